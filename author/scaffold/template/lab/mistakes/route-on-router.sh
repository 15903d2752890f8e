# fails: route
# misconception: route-on-router
# The right idea on the wrong machine.
# node: router
ip route add default via ${net}.2
sysctl -w net.ipv4.ip_forward=1
