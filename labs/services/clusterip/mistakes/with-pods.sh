# fails: empty
# misconception: too-soon
# Surely a Service needs pods.
kubectl expose deployment web --port=80 --target-port=${port} --cluster-ip=${vip}
kubectl create deployment next --image=http
kubectl rollout status deployment next
kubectl expose deployment next --port=80
