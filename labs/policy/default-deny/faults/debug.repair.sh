kubectl delete networkpolicy -n shop debug
