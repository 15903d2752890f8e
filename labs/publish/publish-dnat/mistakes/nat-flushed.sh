# fails: untouched
# misconception: nat-flushed
# A clean start, at the cost of the rule that was there.
iptables -t nat -F
iptables -t nat -A PREROUTING -d ${lan}.100 -p tcp --dport ${port} -j DNAT --to-destination ${net}.0.2:80
iptables -t nat -A OUTPUT -d ${lan}.100 -p tcp --dport ${port} -j DNAT --to-destination ${net}.0.2:80
