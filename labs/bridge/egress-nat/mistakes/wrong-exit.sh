# fails: nat
# misconception: rule-not-hit
# -o docker0 is the way back to the containers, not the way out.
sysctl -w net.ipv4.ip_forward=1
iptables -t nat -A POSTROUTING -s ${net}.0.0/16 -o docker0 -j MASQUERADE
