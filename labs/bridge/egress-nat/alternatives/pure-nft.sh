# The same in nftables' own words.
echo 1 > /proc/sys/net/ipv4/ip_forward
nft add table ip egress
nft 'add chain ip egress post { type nat hook postrouting priority srcnat; policy accept; }'
nft add rule ip egress post ip saddr ${net}.0.0/16 oifname != docker0 masquerade
