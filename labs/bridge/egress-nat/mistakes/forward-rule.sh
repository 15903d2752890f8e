# fails: forward
# misconception: forward-rule
# One rule too many in FORWARD.
sysctl -w net.ipv4.ip_forward=1
iptables -t nat -A POSTROUTING -s ${net}.0.0/16 ! -o docker0 -j MASQUERADE
iptables -A FORWARD -i docker0 -j DROP
