tc qdisc add dev eth0 root netem loss 100%
