ip link add lo1 type dummy
ip addr add 198.51.100.1/32 dev lo1
ip link set lo1 up
