# fails: untouched
# misconception: none
# From outside one port is open. host's own calls to any port of its own end at c1.
iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -p tcp --dport ${port} -j DNAT --to-destination ${net}.0.2:80
iptables -t nat -A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -p tcp --dport ${port} -j DNAT --to-destination ${net}.0.2:80
iptables -t nat -A OUTPUT -d ${lan}.100 -p tcp --dport 8000:9000 -j DNAT --to-destination ${net}.0.2:80
