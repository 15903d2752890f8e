# fails: forward
# misconception: nat-without-forward
# The rule is perfect, and no packet ever gets to it.
iptables -t nat -A POSTROUTING -s ${net}.0.0/16 ! -o docker0 -j MASQUERADE
