# fails: nat
# misconception: orphan-chain
# A chain of its own, and no jump to it.
sysctl -w net.ipv4.ip_forward=1
iptables -t nat -N EGRESS
iptables -t nat -A EGRESS -s ${net}.0.0/16 ! -o docker0 -j MASQUERADE
