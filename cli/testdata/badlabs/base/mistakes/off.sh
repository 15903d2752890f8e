# fails: up
# misconception: not-switched-on
ip addr add 10.9.9.9/32 dev lo
