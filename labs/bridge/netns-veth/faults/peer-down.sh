# Somebody has tidied up in c1.
ip netns exec c1 ip link set eth0 down
