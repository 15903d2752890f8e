# The same rule for every protocol.
iptables -t nat -R POSTROUTING 1 -s ${net}.0.0/16 ! -o docker0 -j MASQUERADE
