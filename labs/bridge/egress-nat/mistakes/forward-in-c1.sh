# fails: forward
# misconception: forward-elsewhere
# Forwarding is switched on in the wrong namespace.
ip netns exec c1 sysctl -w net.ipv4.ip_forward=1
iptables -t nat -A POSTROUTING -s ${net}.0.0/16 ! -o docker0 -j MASQUERADE
