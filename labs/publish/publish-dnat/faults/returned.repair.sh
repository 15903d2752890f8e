iptables -t nat -D DOCKER -i eth0 -j RETURN
