# fails: cable
# misconception: wrong-end
# The end meant to be c1's eth0 stays in host.
ip link add vc1 type veth peer name eth0
ip link set vc1 netns c1
ip addr add ${net}.1/24 dev eth0
ip link set eth0 up
ip netns exec c1 ip addr add ${net}.2/24 dev vc1
ip netns exec c1 ip link set vc1 up
ip netns exec c1 ip link set lo up
