# The address that the container had before it was restarted.
iptables -t nat -R DOCKER 1 ! -i docker0 -p tcp --dport ${port} -j DNAT --to-destination ${net}.0.9:80
