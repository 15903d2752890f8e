# fails: untouched
# misconception: none
# The port is published for both protocols. c1 listens on one of them.
iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -p tcp --dport ${port} -j DNAT --to-destination ${net}.0.2:80
iptables -t nat -A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -p tcp --dport ${port} -j DNAT --to-destination ${net}.0.2:80
iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -p udp --dport ${port} -j DNAT --to-destination ${net}.0.2:80
iptables -t nat -A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -p udp --dport ${port} -j DNAT --to-destination ${net}.0.2:80
