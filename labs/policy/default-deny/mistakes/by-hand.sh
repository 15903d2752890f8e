# fails: others
# misconception: replies-died
# The way you close a host, with the answers forgotten.
# node: node1
DB=$(kubectl get pod -n shop db -o jsonpath={.status.podIP})
API=$(kubectl get pod -n shop api -o jsonpath={.status.podIP})
iptables -A FORWARD -s $API -d $DB -p tcp --dport ${port} -j ACCEPT
iptables -A FORWARD -d $DB -j DROP
