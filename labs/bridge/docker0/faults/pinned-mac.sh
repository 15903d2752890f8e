# c2's hardware address, nailed to c1's port.
bridge fdb replace $(ip netns exec c2 cat /sys/class/net/eth0/address) dev vc1 master sticky static
