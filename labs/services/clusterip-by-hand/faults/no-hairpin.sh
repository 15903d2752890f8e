# Somebody tidied POSTROUTING: surely nobody needs a rule to call themselves.
iptables -t nat -D POSTROUTING -s ${pods}.11 -d ${pods}.11 -j MASQUERADE
iptables -t nat -D POSTROUTING -s ${pods}.12 -d ${pods}.12 -j MASQUERADE
iptables -t nat -D POSTROUTING -s ${pods}.13 -d ${pods}.13 -j MASQUERADE
