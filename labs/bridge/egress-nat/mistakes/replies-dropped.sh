# fails: nat
# misconception: replies-dropped
# Out is allowed, and back is not.
sysctl -w net.ipv4.ip_forward=1
iptables -t nat -A POSTROUTING -s ${net}.0.0/16 ! -o docker0 -j MASQUERADE
iptables -P FORWARD DROP
iptables -A FORWARD -i docker0 -j ACCEPT
