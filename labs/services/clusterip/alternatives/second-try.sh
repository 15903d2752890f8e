# An address that was drawn cannot be changed, so the Service is made anew.
kubectl expose deployment web --port=80 --target-port=${port}
kubectl delete service web
kubectl create service clusterip web --clusterip=${vip} --tcp=80:${port}
kubectl create service clusterip next --tcp=80
