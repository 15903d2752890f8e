# fails: forward
# misconception: forward-elsewhere
# Forwarding is switched on at the far end.
ip netns exec ext sysctl -w net.ipv4.ip_forward=1
