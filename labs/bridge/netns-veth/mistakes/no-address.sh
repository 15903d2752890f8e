# fails: addresses
# misconception: no-address
# Up at both ends, and c1 has no address.
ip link add vc1 type veth peer name eth0 netns c1
ip addr add ${net}.1/24 dev vc1
ip link set vc1 up
ip netns exec c1 ip link set eth0 up
ip netns exec c1 ip link set lo up
