# fails: forward
# misconception: forward-drop
# Right in every way, but FORWARD throws everything away.
sysctl -w net.ipv4.ip_forward=1
iptables -t nat -A POSTROUTING -s ${net}.0.0/16 ! -o docker0 -j MASQUERADE
iptables -P FORWARD DROP
