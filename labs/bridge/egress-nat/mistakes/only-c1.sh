# fails: everyone
# misconception: only-c1
# One container's address instead of the network's.
sysctl -w net.ipv4.ip_forward=1
iptables -t nat -A POSTROUTING -s ${net}.0.2 ! -o docker0 -j MASQUERADE
