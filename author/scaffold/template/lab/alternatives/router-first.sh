# The other end first, and all of it from client's shell.
ip netns exec router sysctl -w net.ipv4.ip_forward=1
ip route replace ${far}.2 via ${net}.1 dev eth0
