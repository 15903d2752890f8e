# Left over from looking for something else.
kubectl apply -f - <<END
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: debug, namespace: shop}
spec:
  podSelector: {}
  ingress: [{}]
END
