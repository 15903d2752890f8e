# node: c2
ip route replace default via ${net}.0.1
