ip addr del 10.9.9.9/32 dev lo
