# host's address does not change, so it can be named. NAT first, forwarding second.
iptables -t nat -A POSTROUTING -o eth0 -s ${net}.0.0/16 -j SNAT --to-source ${lan}.100
sysctl -w net.ipv4.ip_forward=1
