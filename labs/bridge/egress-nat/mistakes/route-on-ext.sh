# fails: nat
# misconception: route-on-ext
# The far side is taught the way back, instead of doing without.
sysctl -w net.ipv4.ip_forward=1
ip netns exec ext ip route add ${net}.0.0/16 via ${lan}.100
