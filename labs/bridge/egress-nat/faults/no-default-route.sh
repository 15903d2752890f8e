# node: c1
ip route del default
