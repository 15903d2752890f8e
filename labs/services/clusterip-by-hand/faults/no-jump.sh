iptables -t nat -D PREROUTING -d ${svc}.10 -p tcp --dport 80 -j WEB
