# fails: addresses
# misconception: slash-32
# Addresses without a prefix length become /32.
ip link add vc1 type veth peer name eth0 netns c1
ip addr add ${net}.1 dev vc1
ip link set vc1 up
ip netns exec c1 ip addr add ${net}.2 dev eth0
ip netns exec c1 ip link set eth0 up
ip netns exec c1 ip link set lo up
