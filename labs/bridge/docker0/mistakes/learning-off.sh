# fails: fetch
# misconception: none
# Frames pass, and the bridge is told not to remember where c1 lives.
ip link add docker0 type bridge
ip addr add ${net}.0.1/16 dev docker0
ip link set docker0 up
ip link add vc1 type veth peer name eth0 netns c1
ip link set vc1 master docker0
ip link set vc1 up
bridge link set dev vc1 learning off
ip netns exec c1 ip addr add ${net}.0.2/16 dev eth0
ip netns exec c1 ip link set eth0 up
ip link add vc2 type veth peer name eth0 netns c2
ip link set vc2 master docker0
ip link set vc2 up
ip netns exec c2 ip addr add ${net}.0.3/16 dev eth0
ip netns exec c2 ip link set eth0 up
