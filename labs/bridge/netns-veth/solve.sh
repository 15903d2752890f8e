# One cable, both ends named as they are made.
ip link add vc1 type veth peer name eth0 netns c1
# The host's end.
ip addr add ${net}.1/24 dev vc1
ip link set vc1 up
# The container's end.
ip netns exec c1 ip addr add ${net}.2/24 dev eth0
ip netns exec c1 ip link set eth0 up
ip netns exec c1 ip link set lo up
