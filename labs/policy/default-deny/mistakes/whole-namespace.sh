# fails: others
# misconception: whole-namespace
# The policy that you find everywhere, and then the exception.
kubectl apply -f - <<END
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: all, namespace: shop}
spec:
  podSelector: {}
  policyTypes: [Ingress]
END
kubectl apply -f - <<END
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  policyTypes: [Ingress]
  ingress:
    - from: [{podSelector: {matchLabels: {app: api}}}]
      ports: [{protocol: TCP, port: ${port}}]
END
