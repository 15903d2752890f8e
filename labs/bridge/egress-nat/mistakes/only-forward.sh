# fails: nat
# misconception: only-forward
# The packet gets there; nobody knows the way back.
sysctl -w net.ipv4.ip_forward=1
