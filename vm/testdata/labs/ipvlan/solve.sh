ip link add ipvl0 link eth0 type ipvlan mode l2
ip link set ipvl0 netns c1
ip netns exec c1 ip addr add 192.0.2.3/24 dev ipvl0
ip netns exec c1 ip link set ipvl0 up
