# A map says what becomes of a packet by where it goes; no rule names an exit.
sysctl -w net.ipv4.ip_forward=1
sysctl -w net.bridge.bridge-nf-call-iptables=0
nft -f - <<'NFT'
table ip egress {
  chain out {
    masquerade
  }
  map by-destination {
    type ipv4_addr : verdict
    flags interval
    elements = { ${net}.0.0/16 : accept, ${lan}.0/24 : jump out }
  }
  chain post {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr ${net}.0.0/16 ip daddr vmap @by-destination
  }
}
NFT
