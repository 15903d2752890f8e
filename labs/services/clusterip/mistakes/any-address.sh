# fails: address
# misconception: other-address
# Whatever address comes.
kubectl expose deployment web --port=80 --target-port=${port}
kubectl create service clusterip next --tcp=80
