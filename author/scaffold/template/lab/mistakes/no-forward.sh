# fails: talk
# misconception: no-forward
# Only half of it: the packets leave and end at the router.
ip route add default via ${net}.1
