# host keeps the port, and c1's own kernel gives it to the server on 80.
iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -p tcp --dport ${port} -j DNAT --to-destination ${net}.0.2
iptables -t nat -A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -p tcp --dport ${port} -j DNAT --to-destination ${net}.0.2
# node: c1
iptables -t nat -A PREROUTING -p tcp --dport ${port} -j REDIRECT --to-ports 80
