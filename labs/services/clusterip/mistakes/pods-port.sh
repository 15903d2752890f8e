# fails: name, address
# misconception: service-port
# The only port that the Deployment speaks of.
kubectl expose deployment web --cluster-ip=${vip}
kubectl create service clusterip next --tcp=80
