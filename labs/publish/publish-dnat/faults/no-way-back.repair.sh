# node: c1
ip route add default via ${net}.0.1
