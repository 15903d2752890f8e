iptables -t nat -F WEB
iptables -t nat -A WEB -p tcp -m statistic --mode random --probability 0.33333 -j DNAT --to-destination ${pods}.11:8080
iptables -t nat -A WEB -p tcp -m statistic --mode random --probability 0.5 -j DNAT --to-destination ${pods}.12:8080
iptables -t nat -A WEB -p tcp -j DNAT --to-destination ${pods}.13:8080
