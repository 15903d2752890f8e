# node: ext
# Typed elsewhere, and forwarding switched on for the two interfaces only.
ip netns exec host sysctl -w net.ipv4.conf.docker0.forwarding=1
ip netns exec host sysctl -w net.ipv4.conf.eth0.forwarding=1
ip netns exec host iptables -t nat -I POSTROUTING -o eth0 -j MASQUERADE
