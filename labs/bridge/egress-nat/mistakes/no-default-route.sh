# fails: forward
# misconception: no-default-route
# host is ready; c1 has been robbed of its gateway.
sysctl -w net.ipv4.ip_forward=1
iptables -t nat -A POSTROUTING -s ${net}.0.0/16 ! -o docker0 -j MASQUERADE
ip netns exec c1 ip route del default
