# node: c1
ip route del blackhole ${net}.1
