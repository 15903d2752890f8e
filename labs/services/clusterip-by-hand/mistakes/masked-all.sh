# fails: source
# misconception: masked
# Meant to help the answers find their way back, which they do anyway.
iptables -t nat -N WEB
iptables -t nat -A WEB -p tcp -m statistic --mode random --probability 0.33333 -j DNAT --to-destination ${pods}.11:8080
iptables -t nat -A WEB -p tcp -m statistic --mode random --probability 0.5 -j DNAT --to-destination ${pods}.12:8080
iptables -t nat -A WEB -p tcp -j DNAT --to-destination ${pods}.13:8080
iptables -t nat -A PREROUTING -d ${svc}.10 -p tcp --dport 80 -j WEB
iptables -t nat -A OUTPUT -d ${svc}.10 -p tcp --dport 80 -j WEB
iptables -t nat -A POSTROUTING -d ${pods}.0/24 -p tcp --dport 8080 -j MASQUERADE
iptables -A FORWARD -d ${svc}.20 -p tcp --dport 80 -j REJECT
iptables -A OUTPUT -d ${svc}.20 -p tcp --dport 80 -j REJECT
