# Bridged packets skip iptables, and a rule before the broad one spares the neighbours all the same.
sysctl -w net.ipv4.ip_forward=1
sysctl -w net.bridge.bridge-nf-call-iptables=0
iptables -t nat -A POSTROUTING -s ${net}.0.0/16 -d ${net}.0.0/16 -j ACCEPT
iptables -t nat -A POSTROUTING -s ${net}.0.0/16 -j MASQUERADE
