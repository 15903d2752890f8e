# Meant to help the answers find their way back, which they do anyway.
iptables -t nat -A POSTROUTING ! -s ${net}.0.0/16 -o docker0 -j MASQUERADE
