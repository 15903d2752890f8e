# fails: open
# misconception: no-such-caller
# Surely the pod's name is a label.
kubectl apply -f - <<END
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  policyTypes: [Ingress]
  ingress:
    - from: [{podSelector: {matchLabels: {name: api}}}]
      ports: [{protocol: TCP, port: ${port}}]
END
