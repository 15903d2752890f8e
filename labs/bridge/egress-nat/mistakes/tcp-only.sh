# fails: everyone
# misconception: tcp-only
# Only TCP is translated.
sysctl -w net.ipv4.ip_forward=1
iptables -t nat -A POSTROUTING -s ${net}.0.0/16 ! -o docker0 -p tcp -j MASQUERADE
