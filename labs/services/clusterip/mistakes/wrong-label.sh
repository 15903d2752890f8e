# fails: name, address
# misconception: no-endpoints
# Surely a Service asks for the Deployment's name.
kubectl apply -f - <<END
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  clusterIP: ${vip}
  selector: {deployment: web}
  ports: [{port: 80, targetPort: ${port}}]
END
kubectl create service clusterip next --tcp=80
