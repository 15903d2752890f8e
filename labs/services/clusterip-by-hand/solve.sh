# One chain for the Service: it sends every call to an endpoint.
iptables -t nat -N WEB
# A third for web1. Of what it leaves, half for web2. The rest for web3.
iptables -t nat -A WEB -p tcp -m statistic --mode random --probability 0.33333 -j DNAT --to-destination ${pods}.11:8080
iptables -t nat -A WEB -p tcp -m statistic --mode random --probability 0.5 -j DNAT --to-destination ${pods}.12:8080
iptables -t nat -A WEB -p tcp -j DNAT --to-destination ${pods}.13:8080
# Calls that arrive, and node1's own calls.
iptables -t nat -A PREROUTING -d ${svc}.10 -p tcp --dport 80 -j WEB
iptables -t nat -A OUTPUT -d ${svc}.10 -p tcp --dport 80 -j WEB
# When an endpoint's call comes back to it, it must not come from the endpoint's own address.
iptables -t nat -A POSTROUTING -s ${pods}.11 -d ${pods}.11 -j MASQUERADE
iptables -t nat -A POSTROUTING -s ${pods}.12 -d ${pods}.12 -j MASQUERADE
iptables -t nat -A POSTROUTING -s ${pods}.13 -d ${pods}.13 -j MASQUERADE
# The Service without endpoints refuses at once.
iptables -A FORWARD -d ${svc}.20 -p tcp --dport 80 -j REJECT
iptables -A OUTPUT -d ${svc}.20 -p tcp --dport 80 -j REJECT
