ip link add tun1 type ipip local 192.0.2.1 remote 192.0.2.2
ip addr add 198.51.100.1/30 dev tun1
ip link set tun1 up
# node: b
ip link add tun1 type ipip local 192.0.2.2 remote 192.0.2.1
ip addr add 198.51.100.2/30 dev tun1
ip link set tun1 up
