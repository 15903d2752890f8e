# The way that the lab shows as its solution, line by line as a learner types it.
ip route add default via ${net}.1
# node: router
sysctl -w net.ipv4.ip_forward=1
