# fails: untouched
# misconception: every-port
# Whose port is said, which port is not.
iptables -t nat -A PREROUTING -d ${lan}.100 -p tcp -j DNAT --to-destination ${net}.0.2:80
iptables -t nat -A OUTPUT -d ${lan}.100 -p tcp -j DNAT --to-destination ${net}.0.2:80
