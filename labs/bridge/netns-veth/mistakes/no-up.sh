# fails: up
# misconception: no-up
# Addresses on both ends, but nobody switches them on.
ip link add vc1 type veth peer name eth0 netns c1
ip addr add ${net}.1/24 dev vc1
ip netns exec c1 ip addr add ${net}.2/24 dev eth0
ip netns exec c1 ip link set lo up
