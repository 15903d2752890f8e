# fails: from-host
# misconception: prerouting-only
# Right for the LAN; host's own packets never pass here.
iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -p tcp --dport ${port} -j DNAT --to-destination ${net}.0.2:80
