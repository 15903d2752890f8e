# fails: spread, from-node, own
# misconception: address-only
# Surely an address that people call must be somewhere.
ip addr add ${svc}.10/32 dev lo
iptables -A FORWARD -d ${svc}.20 -p tcp --dport 80 -j REJECT
iptables -A OUTPUT -d ${svc}.20 -p tcp --dport 80 -j REJECT
