# fails: name, address
# misconception: target-port
# Without a targetPort it is the port.
kubectl expose deployment web --port=80 --target-port=80 --cluster-ip=${vip}
kubectl create service clusterip next --tcp=80
