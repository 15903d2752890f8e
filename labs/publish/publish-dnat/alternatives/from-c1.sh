# node: c1
# Typed in the container, which reaches into host, with a map from ports to servers.
nsenter --net=/run/netns/host nft -f - <<'NFT'
table ip ports {
  map published {
    type inet_service : ipv4_addr . inet_service
    elements = { ${port} : ${net}.0.2 . 80 }
  }
  chain pre {
    type nat hook prerouting priority -100; policy accept;
    ip daddr ${lan}.100 dnat ip addr . port to tcp dport map @published
  }
  chain out {
    type nat hook output priority -100; policy accept;
    ip daddr ${lan}.100 dnat ip addr . port to tcp dport map @published
  }
}
NFT
