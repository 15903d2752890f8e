# The address of a machine that served web before there was a cluster.
kubectl apply -f - <<END
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-legacy, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{port: ${port}, protocol: TCP}]
endpoints: [{addresses: [10.244.2.200]}]
END
