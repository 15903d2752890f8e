# fails: route
# misconception: on-link
# The network is laid on the cable, as if the server were a neighbour.
ip route add ${far}.0/24 dev eth0
# node: router
sysctl -w net.ipv4.ip_forward=1
