# fails: neighbours
# misconception: nf-call-off
# The symptom is switched off; the rule stays as wide as it was.
sysctl -w net.ipv4.ip_forward=1
sysctl -w net.bridge.bridge-nf-call-iptables=0
iptables -t nat -A POSTROUTING -s ${net}.0.0/16 -j MASQUERADE
