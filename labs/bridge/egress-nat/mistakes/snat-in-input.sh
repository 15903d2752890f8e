# fails: nat
# misconception: snat-in-input
# INPUT sees only what is meant for host itself.
sysctl -w net.ipv4.ip_forward=1
iptables -t nat -A INPUT -s ${net}.0.0/16 -j SNAT --to-source ${lan}.100
