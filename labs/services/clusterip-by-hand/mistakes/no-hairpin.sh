# fails: own
# misconception: own-address
# Every third call that an endpoint makes comes back to itself.
iptables -t nat -N WEB
iptables -t nat -A WEB -p tcp -m statistic --mode random --probability 0.33333 -j DNAT --to-destination ${pods}.11:8080
iptables -t nat -A WEB -p tcp -m statistic --mode random --probability 0.5 -j DNAT --to-destination ${pods}.12:8080
iptables -t nat -A WEB -p tcp -j DNAT --to-destination ${pods}.13:8080
iptables -t nat -A PREROUTING -d ${svc}.10 -p tcp --dport 80 -j WEB
iptables -t nat -A OUTPUT -d ${svc}.10 -p tcp --dport 80 -j WEB
iptables -A FORWARD -d ${svc}.20 -p tcp --dport 80 -j REJECT
iptables -A OUTPUT -d ${svc}.20 -p tcp --dport 80 -j REJECT
