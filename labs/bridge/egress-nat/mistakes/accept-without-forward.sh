# fails: forward
# misconception: accept-without-forward
# The first advice that a search finds: open the firewall.
iptables -F
iptables -P FORWARD ACCEPT
iptables -A FORWARD -i docker0 -j ACCEPT
