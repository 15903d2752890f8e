iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
