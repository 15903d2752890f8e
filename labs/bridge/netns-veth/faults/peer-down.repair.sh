# NO-CARRIER here means: look at the other end.
ip netns exec c1 ip link set eth0 up
