# fails: addresses
# misconception: on-loopback
# c1's address is on its loopback interface.
ip link add vc1 type veth peer name eth0 netns c1
ip addr add ${net}.1/24 dev vc1
ip link set vc1 up
ip netns exec c1 ip link set eth0 up
ip netns exec c1 ip link set lo up
ip netns exec c1 ip addr add ${net}.2/24 dev lo
