# fails: outside
# misconception: output-only
# Tested from host only, where it works.
iptables -t nat -A OUTPUT -m addrtype --dst-type LOCAL -p tcp --dport ${port} -j DNAT --to-destination ${net}.0.2:80
