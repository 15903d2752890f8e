kubectl get networkpolicy -n shop db -o yaml | sed 's/namespace: shop/namespace: default/; /uid:/d; /resourceVersion:/d' | kubectl apply -f -
kubectl delete networkpolicy -n shop db
