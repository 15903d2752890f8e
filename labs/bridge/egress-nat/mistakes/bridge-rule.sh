# fails: neighbours
# misconception: none
# A rule of the bridge itself keeps neighbours apart. iptables knows nothing of it.
# Forward packets that are for others.
sysctl -w net.ipv4.ip_forward=1
# And put the host's address on what leaves the bridge.
iptables -t nat -A POSTROUTING -s ${net}.0.0/16 ! -o docker0 -j MASQUERADE
nft add table bridge guard
nft 'add chain bridge guard forward { type filter hook forward priority 0; policy drop; }'
