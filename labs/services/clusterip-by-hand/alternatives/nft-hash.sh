# No dice: a hash of the caller's address and port picks the endpoint.
nft -f - <<'NFT'
table ip web {
  chain pre {
    type nat hook prerouting priority -100; policy accept;
    ip daddr ${svc}.10 tcp dport 80 dnat to jhash ip saddr . tcp sport mod 3 map { 0 : ${pods}.11, 1 : ${pods}.12, 2 : ${pods}.13 } : 8080
  }
  chain out {
    type nat hook output priority -100; policy accept;
    ip daddr ${svc}.10 tcp dport 80 dnat to jhash ip saddr . tcp sport mod 3 map { 0 : ${pods}.11, 1 : ${pods}.12, 2 : ${pods}.13 } : 8080
  }
  chain post {
    type nat hook postrouting priority 100; policy accept;
    ip saddr ${pods}.11 ip daddr ${pods}.11 masquerade
    ip saddr ${pods}.12 ip daddr ${pods}.12 masquerade
    ip saddr ${pods}.13 ip daddr ${pods}.13 masquerade
  }
  chain refuse-forwarded {
    type filter hook forward priority 0; policy accept;
    ip daddr ${svc}.20 tcp dport 80 reject
  }
  chain refuse-own {
    type filter hook output priority 0; policy accept;
    ip daddr ${svc}.20 tcp dport 80 reject
  }
}
NFT
