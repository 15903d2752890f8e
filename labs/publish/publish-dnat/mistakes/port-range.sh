# fails: untouched
# misconception: none
# Whoever opens all the ports that programs may choose has opened this one, too.
iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -p tcp --dport 1024:65535 -j DNAT --to-destination ${net}.0.2:80
iptables -t nat -A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -p tcp --dport 1024:65535 -j DNAT --to-destination ${net}.0.2:80
