# fails: untouched
# misconception: none
# Ping is answered by c1, in host's name.
iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -p tcp --dport ${port} -j DNAT --to-destination ${net}.0.2:80
iptables -t nat -A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -p tcp --dport ${port} -j DNAT --to-destination ${net}.0.2:80
iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -p icmp -j DNAT --to-destination ${net}.0.2
iptables -t nat -A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -p icmp -j DNAT --to-destination ${net}.0.2
