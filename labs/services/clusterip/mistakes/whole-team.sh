# fails: name, address
# misconception: too-many
# A label that other pods have as well.
kubectl apply -f - <<END
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  clusterIP: ${vip}
  selector: {team: shop}
  ports: [{port: 80, targetPort: ${port}}]
END
kubectl create service clusterip next --tcp=80
