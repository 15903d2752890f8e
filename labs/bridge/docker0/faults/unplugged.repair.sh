ip link set vc2 master docker0
