# node: c2
# Typed in c2: every command for another namespace is sent there with nsenter.
nsenter --net=/run/netns/host ip link add docker0 type bridge
nsenter --net=/run/netns/host ip link set docker0 up
nsenter --net=/run/netns/host ip addr add ${net}.0.1/16 dev docker0
ip link add eth0 type veth peer name veth-c2 netns host
ip link set eth0 up
ip addr add ${net}.0.3/16 dev eth0
nsenter --net=/run/netns/host ip link set veth-c2 up master docker0
nsenter --net=/run/netns/c1 ip link add eth0 type veth peer name veth-c1 netns host
nsenter --net=/run/netns/c1 ip link set eth0 up
nsenter --net=/run/netns/c1 ip addr add ${net}.0.2/16 dev eth0
nsenter --net=/run/netns/host ip link set veth-c1 up master docker0
