# A health check that asks at the wrong port, in all pods at once.
kubectl patch deployment web -p '{"spec":{"strategy":{"type":"Recreate","rollingUpdate":null},"template":{"spec":{"containers":[{"name":"web","readinessProbe":{"httpGet":{"path":"/readyz","port":80},"periodSeconds":1}}]}}}}'
READY='{.items[*].endpoints[*].conditions.ready}'
until [ "$(kubectl get endpointslices -l kubernetes.io/service-name=web -o jsonpath="$READY")" = "false false false" ]; do sleep 0.1; done
