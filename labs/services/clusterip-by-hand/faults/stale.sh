# The address that an endpoint had before it was moved.
iptables -t nat -R WEB 2 -p tcp -m statistic --mode random --probability 0.5 -j DNAT --to-destination ${pods}.22:8080
