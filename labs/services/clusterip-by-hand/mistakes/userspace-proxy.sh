# fails: spread, from-node, own
# misconception: userspace-proxy
# A program that takes the calls and makes others, as kube-proxy itself once did.
ip addr add ${svc}.10/32 dev lo
mkfifo /tmp/back
nc -lk -p 80 < /tmp/back | nc ${pods}.11 8080 > /tmp/back &
iptables -A FORWARD -d ${svc}.20 -p tcp --dport 80 -j REJECT
iptables -A OUTPUT -d ${svc}.20 -p tcp --dport 80 -j REJECT
