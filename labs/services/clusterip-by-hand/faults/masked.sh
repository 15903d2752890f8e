# Meant to let endpoints call themselves.
iptables -t nat -A POSTROUTING -m conntrack --ctstate DNAT -j MASQUERADE
