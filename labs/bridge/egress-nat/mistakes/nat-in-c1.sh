# fails: nat
# misconception: nat-in-container
# The rule is in the container, where it has nothing to change.
sysctl -w net.ipv4.ip_forward=1
ip netns exec c1 iptables -t nat -A POSTROUTING -j MASQUERADE
