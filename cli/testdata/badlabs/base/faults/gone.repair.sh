ip addr add 10.9.9.9/32 dev lo
