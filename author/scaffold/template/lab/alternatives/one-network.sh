# A route to just the one network, and the setting as a file.
ip route add ${far}.0/24 via ${net}.1
# node: router
echo 1 > /proc/sys/net/ipv4/ip_forward
