# fails: untouched
# misconception: none
# Port 80 of both protocols, although the endpoints only know one.
iptables -t nat -N WEB
iptables -t nat -A WEB -p tcp -m statistic --mode random --probability 0.33333 -j DNAT --to-destination ${pods}.11:8080
iptables -t nat -A WEB -p tcp -m statistic --mode random --probability 0.5 -j DNAT --to-destination ${pods}.12:8080
iptables -t nat -A WEB -p tcp -j DNAT --to-destination ${pods}.13:8080
iptables -t nat -A PREROUTING -d ${svc}.10 -p tcp --dport 80 -j WEB
iptables -t nat -A OUTPUT -d ${svc}.10 -p tcp --dport 80 -j WEB
iptables -t nat -A PREROUTING -d ${svc}.10 -p udp --dport 80 -j DNAT --to-destination ${pods}.11:8080
iptables -t nat -A POSTROUTING -s ${pods}.11 -d ${pods}.11 -j MASQUERADE
iptables -t nat -A POSTROUTING -s ${pods}.12 -d ${pods}.12 -j MASQUERADE
iptables -t nat -A POSTROUTING -s ${pods}.13 -d ${pods}.13 -j MASQUERADE
iptables -A FORWARD -d ${svc}.20 -p tcp --dport 80 -j REJECT
iptables -A OUTPUT -d ${svc}.20 -p tcp --dport 80 -j REJECT
