# Somebody flushed a table that was not only theirs.
iptables -t nat -F POSTROUTING
