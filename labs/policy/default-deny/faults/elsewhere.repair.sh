kubectl get networkpolicy db -o yaml | sed 's/namespace: default/namespace: shop/; /uid:/d; /resourceVersion:/d' | kubectl apply -f -
kubectl delete networkpolicy db
