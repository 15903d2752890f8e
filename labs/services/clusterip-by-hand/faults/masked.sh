# So that endpoints can call themselves, one thought.
iptables -t nat -A POSTROUTING -m conntrack --ctstate DNAT -j MASQUERADE
