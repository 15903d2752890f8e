iptables -t nat -R WEB 3 -p tcp -j DNAT --to-destination ${pods}.13:80
