# Switched packets visit iptables, which drops them.
sysctl -w net.bridge.bridge-nf-call-iptables=1
iptables -P FORWARD DROP
