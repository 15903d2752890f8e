# nftables: one rule, and a map from a random number to an endpoint.
nft -f - <<'NFT'
table ip web {
  chain choose {
    ip protocol tcp dnat to numgen random mod 3 map { 0 : ${pods}.11, 1 : ${pods}.12, 2 : ${pods}.13 } : 8080
  }
  chain pre {
    type nat hook prerouting priority -100; policy accept;
    ip daddr ${svc}.10 tcp dport 80 goto choose
  }
  chain out {
    type nat hook output priority -100; policy accept;
    ip daddr ${svc}.10 tcp dport 80 goto choose
  }
  chain post {
    type nat hook postrouting priority 100; policy accept;
    ct original ip daddr ${svc}.10 ip saddr . ip daddr { ${pods}.11 . ${pods}.11, ${pods}.12 . ${pods}.12, ${pods}.13 . ${pods}.13 } masquerade
  }
}
table ip nobody {
  chain forward {
    type filter hook forward priority 0; policy accept;
    ip daddr ${svc}.20 tcp dport 80 reject with tcp reset
  }
  chain out {
    type filter hook output priority 0; policy accept;
    ip daddr ${svc}.20 tcp dport 80 reject with tcp reset
  }
}
NFT
