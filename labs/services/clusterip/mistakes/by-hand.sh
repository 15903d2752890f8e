# fails: name, address
# misconception: by-hand
# As in the lab before, and on one node.
kubectl create service clusterip next --tcp=80
# node: node1
for hook in PREROUTING OUTPUT; do iptables -t nat -A $hook -d ${vip} -p tcp --dport 80 -j DNAT --to-destination $(kubectl get pods -l app=web -o jsonpath={.items[0].status.podIP}):${port}; done
