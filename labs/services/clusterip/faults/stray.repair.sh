kubectl delete endpointslice web-legacy
