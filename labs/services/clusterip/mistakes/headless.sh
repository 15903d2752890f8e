# fails: name, address
# misconception: headless
# A Service that needs no address, because DNS knows the pods.
kubectl expose deployment web --port=80 --target-port=${port} --cluster-ip=None
kubectl create service clusterip next --tcp=80
