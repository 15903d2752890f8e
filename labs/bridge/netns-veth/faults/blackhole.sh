# node: c1
ip route add blackhole ${net}.1
