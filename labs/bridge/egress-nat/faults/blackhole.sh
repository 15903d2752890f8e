# Set for an hour, and forgotten.
ip route add blackhole ${lan}.5
