iptables -t nat -D WEB 1
iptables -t nat -A WEB -p tcp -j DNAT --to-destination ${pods}.13:8080
