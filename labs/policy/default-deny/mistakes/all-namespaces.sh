# fails: closed
# misconception: every-namespace
# An empty selector for the namespace, to be on the safe side.
kubectl apply -f - <<END
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  policyTypes: [Ingress]
  ingress:
    - from: [{namespaceSelector: {}, podSelector: {matchLabels: {app: api}}}]
      ports: [{protocol: TCP, port: ${port}}]
END
