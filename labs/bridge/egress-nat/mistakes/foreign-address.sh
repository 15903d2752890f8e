# fails: nat
# misconception: foreign-address
# The packets leave with an address that nobody has.
sysctl -w net.ipv4.ip_forward=1
iptables -t nat -A POSTROUTING -s ${net}.0.0/16 -o eth0 -j SNAT --to-source ${lan}.200
