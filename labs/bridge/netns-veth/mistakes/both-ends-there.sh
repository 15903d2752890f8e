# node: c1
# fails: cable
# misconception: both-ends-there
# Everything is typed in c1, as if it were host.
ip link add vc1 type veth peer name eth0
ip addr add ${net}.1/24 dev vc1
ip addr add ${net}.2/24 dev eth0
ip link set vc1 up
ip link set eth0 up
ip link set lo up
