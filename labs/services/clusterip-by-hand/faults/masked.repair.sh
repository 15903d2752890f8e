iptables -t nat -D POSTROUTING -m conntrack --ctstate DNAT -j MASQUERADE
