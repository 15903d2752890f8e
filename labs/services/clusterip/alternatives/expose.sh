# kubectl takes the selector from the Deployment.
kubectl expose deployment web --port=80 --target-port=${port} --cluster-ip=${vip}
kubectl create service clusterip next --tcp=80:${port}
