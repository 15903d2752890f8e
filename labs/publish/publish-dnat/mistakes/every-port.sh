# fails: untouched
# misconception: every-port
# The rule says whose port, but not which one.
iptables -t nat -A PREROUTING -d ${lan}.100 -p tcp -j DNAT --to-destination ${net}.0.2:80
iptables -t nat -A OUTPUT -d ${lan}.100 -p tcp -j DNAT --to-destination ${net}.0.2:80
