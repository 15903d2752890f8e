# fails: outside
# misconception: masqueraded-inbound
# Works, and c1 never learns who is calling.
iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -p tcp --dport ${port} -j DNAT --to-destination ${net}.0.2:80
iptables -t nat -A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -p tcp --dport ${port} -j DNAT --to-destination ${net}.0.2:80
iptables -t nat -A POSTROUTING -d ${net}.0.2 -p tcp --dport 80 -j MASQUERADE
