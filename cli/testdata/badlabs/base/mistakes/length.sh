# fails: address
# misconception: other-length
ip link set lo up
ip addr add 10.9.9.9/24 dev lo
