# What is switched visits iptables, and is dropped there.
sysctl -w net.bridge.bridge-nf-call-iptables=1
iptables -P FORWARD DROP
