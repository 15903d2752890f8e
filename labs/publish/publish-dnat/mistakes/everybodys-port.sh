# fails: untouched
# misconception: takes-all
# The rules ask which port, but not whose.
iptables -t nat -A PREROUTING -p tcp --dport ${port} -j DNAT --to-destination ${net}.0.2:80
iptables -t nat -A OUTPUT -p tcp --dport ${port} -j DNAT --to-destination ${net}.0.2:80
