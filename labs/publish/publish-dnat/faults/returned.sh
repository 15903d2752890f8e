iptables -t nat -I DOCKER 1 -i eth0 -j RETURN
