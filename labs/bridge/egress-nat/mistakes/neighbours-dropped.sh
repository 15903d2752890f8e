# fails: neighbours
# misconception: neighbours-dropped
# Out and back are allowed; from container to container was forgotten.
sysctl -w net.ipv4.ip_forward=1
iptables -t nat -A POSTROUTING -s ${net}.0.0/16 ! -o docker0 -j MASQUERADE
iptables -P FORWARD DROP
iptables -A FORWARD -i docker0 -o eth0 -j ACCEPT
iptables -A FORWARD -i eth0 -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
