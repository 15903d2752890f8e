# fails: untouched
# misconception: none
# Two more ports, for those who are used to them.
iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -p tcp --dport ${port} -j DNAT --to-destination ${net}.0.2:80
iptables -t nat -A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -p tcp --dport ${port} -j DNAT --to-destination ${net}.0.2:80
iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -p tcp -m multiport --dports 7777,8443 -j DNAT --to-destination ${net}.0.2:80
iptables -t nat -A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -p tcp -m multiport --dports 7777,8443 -j DNAT --to-destination ${net}.0.2:80
