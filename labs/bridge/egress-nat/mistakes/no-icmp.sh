# fails: everyone
# misconception: no-icmp
# A rule for TCP and one for UDP, and none for ping.
sysctl -w net.ipv4.ip_forward=1
iptables -t nat -A POSTROUTING -s ${net}.0.0/16 ! -o docker0 -p tcp -j MASQUERADE
iptables -t nat -A POSTROUTING -s ${net}.0.0/16 ! -o docker0 -p udp -j MASQUERADE
