# fails: outside
# misconception: opened-not-published
# The port is opened, with nothing behind it.
iptables -A INPUT -p tcp --dport ${port} -j ACCEPT
iptables -A FORWARD -p tcp --dport ${port} -j ACCEPT
