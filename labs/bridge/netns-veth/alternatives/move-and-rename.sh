# Make the pair in host, then move one end and give it its name there.
ip link add left type veth peer name right
ip link set right netns c1
ip -n c1 link set right name eth0
ip -n c1 link set lo up
ip -n c1 link set eth0 up
ip -n c1 addr add ${net}.2/24 dev eth0
ip link set left up
ip addr add ${net}.1/24 dev left
