# fails: neighbours
# misconception: unscoped
# Everything that comes from a container is translated, even to its neighbour.
sysctl -w net.ipv4.ip_forward=1
iptables -t nat -A POSTROUTING -s ${net}.0.0/16 -j MASQUERADE
