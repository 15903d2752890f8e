# node: c1
# The same from the other side: typed in c1, the far end is pushed into host.
ip link add eth0 type veth peer name veth0 netns host
ip link set lo up
ip link set eth0 up
ip addr add ${net}.2/24 dev eth0
nsenter --net=/run/netns/host ip addr add ${net}.1/24 dev veth0
nsenter --net=/run/netns/host ip link set veth0 up
