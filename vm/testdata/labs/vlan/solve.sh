ip link add link eth0 name eth0.42 type vlan id 42
ip addr add 198.51.100.1/24 dev eth0.42
ip link set eth0.42 up
# node: b
ip link add link eth0 name eth0.42 type vlan id 42
ip addr add 198.51.100.2/24 dev eth0.42
ip link set eth0.42 up
