# node: client
ip route add default via ${net}.1
