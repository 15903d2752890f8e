# Not by chance but in turn: every third call, every second of the rest, the rest.
# Endpoints have chains of their own, which mark calls that would come back.
for n in 1 2 3; do
  iptables -t nat -N WEB-$n
  iptables -t nat -A WEB-$n -s ${pods}.1$n -j MARK --set-xmark 0x4000/0x4000
  iptables -t nat -A WEB-$n -p tcp -j DNAT --to-destination ${pods}.1$n:8080
done
iptables -t nat -N WEB
iptables -t nat -A WEB -m statistic --mode nth --every 3 --packet 0 -j WEB-1
iptables -t nat -A WEB -m statistic --mode nth --every 2 --packet 0 -j WEB-2
iptables -t nat -A WEB -j WEB-3
for hook in PREROUTING OUTPUT; do
  iptables -t nat -A $hook -d ${svc}.10 -p tcp --dport 80 -j WEB
done
iptables -t nat -A POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE
iptables -N NOBODY
iptables -A NOBODY -d ${svc}.20 -p tcp --dport 80 -j REJECT --reject-with tcp-reset
iptables -A FORWARD -j NOBODY
iptables -A OUTPUT -j NOBODY
