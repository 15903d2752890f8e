kubectl delete networkpolicy -n shop api-out
