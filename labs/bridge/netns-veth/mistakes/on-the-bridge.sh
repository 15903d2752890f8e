# fails: addresses
# misconception: on-the-bridge
# A switch for two machines: it works, and is not what was asked for.
ip link add br0 type bridge
ip link set br0 up
ip link add vc1 type veth peer name eth0 netns c1
ip link set vc1 master br0
ip link set vc1 up
ip addr add ${net}.1/24 dev br0
ip netns exec c1 ip addr add ${net}.2/24 dev eth0
ip netns exec c1 ip link set eth0 up
ip netns exec c1 ip link set lo up
