# node: c1
ip addr del ${net}.2/32 dev eth0
ip addr add ${net}.2/24 dev eth0
