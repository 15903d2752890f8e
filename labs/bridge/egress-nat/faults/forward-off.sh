# As after a reboot: what was set by hand is forgotten.
sysctl -w net.ipv4.ip_forward=0
