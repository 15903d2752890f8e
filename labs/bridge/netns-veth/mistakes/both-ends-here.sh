# fails: cable
# misconception: both-ends-here
# A pair is made, but neither end is moved.
ip link add vc1 type veth peer name eth0
ip addr add ${net}.1/24 dev vc1
ip addr add ${net}.2/24 dev eth0
ip link set vc1 up
ip link set eth0 up
