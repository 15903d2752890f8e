# fails: addresses
# misconception: other-prefix
# The right addresses with a prefix length that was not asked for.
ip link add vc1 type veth peer name eth0 netns c1
ip addr add ${net}.1/24 dev vc1
ip link set vc1 up
ip netns exec c1 ip addr add ${net}.2/28 dev eth0
ip netns exec c1 ip link set eth0 up
ip netns exec c1 ip link set lo up
