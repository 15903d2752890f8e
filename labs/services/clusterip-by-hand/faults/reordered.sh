# Somebody put the rules in another order.
iptables -t nat -D WEB -p tcp -j DNAT --to-destination ${pods}.13:8080
iptables -t nat -I WEB 1 -p tcp -j DNAT --to-destination ${pods}.13:8080
