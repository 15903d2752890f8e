# The host's port, used for the container's too.
iptables -t nat -R DOCKER 1 ! -i docker0 -p tcp --dport ${port} -j DNAT --to-destination ${net}.0.2:${port}
