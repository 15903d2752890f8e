# One Service for the pods that have the label app=web: an address and a port for
# callers, and the port on which the pods listen.
kubectl apply -f - <<END
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  clusterIP: ${vip}
  selector: {app: web}
  ports: [{port: 80, targetPort: ${port}}]
END
# One whose pods come later.
kubectl create service clusterip next --tcp=80
