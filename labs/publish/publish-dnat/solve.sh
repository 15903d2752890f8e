# A chain for published ports, as Docker keeps one.
iptables -t nat -N DOCKER
# Packets that arrive for one of host's addresses, and packets that host sends to one.
iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
iptables -t nat -A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
# The published port itself.
iptables -t nat -A DOCKER ! -i docker0 -p tcp --dport ${port} -j DNAT --to-destination ${net}.0.2:80
