iptables -t nat -D PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
