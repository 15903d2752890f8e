# fails: kernel
# misconception: listener-too
# A published port must be open, so somebody has to listen there too.
iptables -t nat -N DOCKER
iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
iptables -t nat -A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
iptables -t nat -A DOCKER ! -i docker0 -p tcp --dport ${port} -j DNAT --to-destination ${net}.0.2:80
nc -lk -p ${port} > /dev/null &
