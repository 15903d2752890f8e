bridge fdb del $(ip netns exec c2 cat /sys/class/net/eth0/address) dev vc1 master
