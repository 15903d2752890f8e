# As kube-proxy lays it out for nftables: all Services are one verdict map, each has
# a chain, each endpoint has one, and a mark says who needs a new source.
nft -f - <<'NFT'
table ip kube {
  chain endpoint-1 {
    ip saddr ${pods}.11 meta mark set mark or 0x4000
    ip protocol tcp dnat to ${pods}.11:8080
  }
  chain endpoint-2 {
    ip saddr ${pods}.12 meta mark set mark or 0x4000
    ip protocol tcp dnat to ${pods}.12:8080
  }
  chain endpoint-3 {
    ip saddr ${pods}.13 meta mark set mark or 0x4000
    ip protocol tcp dnat to ${pods}.13:8080
  }
  chain service-web {
    numgen random mod 3 vmap { 0 : goto endpoint-1, 1 : goto endpoint-2, 2 : goto endpoint-3 }
  }
  map service-ips {
    type ipv4_addr . inet_proto . inet_service : verdict
    elements = { ${svc}.10 . tcp . 80 : goto service-web }
  }
  map no-endpoints {
    type ipv4_addr . inet_proto . inet_service : verdict
    elements = { ${svc}.20 . tcp . 80 : goto refuse }
  }
  chain refuse {
    reject
  }
  chain nat-prerouting {
    type nat hook prerouting priority -100; policy accept;
    ip daddr . meta l4proto . th dport vmap @service-ips
  }
  chain nat-output {
    type nat hook output priority -100; policy accept;
    ip daddr . meta l4proto . th dport vmap @service-ips
  }
  chain nat-postrouting {
    type nat hook postrouting priority 100; policy accept;
    meta mark & 0x4000 == 0x4000 masquerade
  }
  chain filter-forward {
    type filter hook forward priority -110; policy accept;
    ip daddr . meta l4proto . th dport vmap @no-endpoints
  }
  chain filter-output {
    type filter hook output priority -110; policy accept;
    ip daddr . meta l4proto . th dport vmap @no-endpoints
  }
}
NFT
