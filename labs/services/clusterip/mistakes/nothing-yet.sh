# fails: empty
# misconception: headless-next
# No pods, so no address either.
kubectl expose deployment web --port=80 --target-port=${port} --cluster-ip=${vip}
kubectl create service clusterip next --clusterip=None
