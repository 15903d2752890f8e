# fails: cable
# misconception: other-name
# Everything works, but c1's end is not called eth0.
ip link add vc1 type veth peer name vc1p netns c1
ip addr add ${net}.1/24 dev vc1
ip link set vc1 up
ip netns exec c1 ip addr add ${net}.2/24 dev vc1p
ip netns exec c1 ip link set vc1p up
ip netns exec c1 ip link set lo up
