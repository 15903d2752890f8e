# The address again, without a prefix length.
ip netns exec c1 ip addr del ${net}.2/24 dev eth0
ip netns exec c1 ip addr add ${net}.2 dev eth0
