# fails: talk
# misconception: forward-on-client
ip route add default via ${net}.1
sysctl -w net.ipv4.ip_forward=1
