# No chain of its own: one rule in each hook, for the one address.
iptables -t nat -A PREROUTING -d ${lan}.100 -p tcp --dport ${port} -j DNAT --to-destination ${net}.0.2:80
iptables -t nat -A OUTPUT -d ${lan}.100 -p tcp --dport ${port} -j DNAT --to-destination ${net}.0.2:80
