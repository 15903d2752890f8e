# The port of the pods has a name, which may stand for its number.
kubectl apply -f - <<END
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  clusterIP: ${vip}
  selector: {app: web}
  ports: [{port: 80, targetPort: http}]
---
apiVersion: v1
kind: Service
metadata: {name: next}
spec:
  selector: {app: next}
  ports: [{port: 80, targetPort: http}]
END
