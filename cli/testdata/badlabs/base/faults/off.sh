ip link set lo down
