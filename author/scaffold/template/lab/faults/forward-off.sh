# The router stops passing packets on.
# node: router
sysctl -w net.ipv4.ip_forward=0
