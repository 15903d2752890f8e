package e2e

// Named are the objects whose names are asked for: Services with and without
// an address, in two namespaces, and pods with and without a name of their own.
const named = `
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Pod
metadata: {name: web-1, labels: {app: web}}
spec: {nodeName: node1, hostname: first, subdomain: headless, containers: [{name: web, image: http}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web-2, labels: {app: web}}
spec: {nodeName: node2, containers: [{name: web, image: http}]}
---
apiVersion: v1
kind: Pod
metadata: {name: shy, labels: {app: shy, shy: "true"}}
spec:
  nodeName: node2
  containers:
  - {name: shy, image: http, args: ["--ready-after=1h"], readinessProbe: {httpGet: {path: /readyz, port: 80}, periodSeconds: 1}}
---
apiVersion: v1
kind: Pod
metadata: {name: five}
spec: {nodeName: node1, containers: [{name: five, image: toolbox}]}
---
apiVersion: v1
kind: Pod
metadata: {name: one}
spec: {nodeName: node1, dnsConfig: {options: [{name: ndots, value: "1"}]}, containers: [{name: one, image: toolbox}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: 10.96.2.1, selector: {app: web}, ports: [{name: http, port: 8080, targetPort: 80}, {name: talk, protocol: UDP, port: 7}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {clusterIP: 10.96.2.2, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: headless}
spec: {clusterIP: None, selector: {app: web}, ports: [{name: http, port: 8080, targetPort: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: empty}
spec: {clusterIP: None, selector: {app: nobody}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: unready}
spec: {clusterIP: None, selector: {app: shy}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: early}
spec: {clusterIP: None, publishNotReadyAddresses: true, selector: {app: shy}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: alias}
spec: {type: ExternalName, externalName: web.shop.svc.cluster.local}
---
apiVersion: v1
kind: Service
metadata: {name: outside}
spec: {type: ExternalName, externalName: www.example.com}
`

// Questions are what is asked, of a name within cluster.local unless it ends in
// a dot. In names, {POD} is the pod's address with dashes, or backwards for PTR.
var questions = []dnsQuestion{
	{"a Service", "web.default.svc", "A", "10.96.2.1"},
	{"a Service of another namespace", "web.shop.svc", "A", "10.96.2.2"},
	{"the API server's", "kubernetes.default.svc", "A", "10.96.0.1"},
	{"a Service has no IPv6 address", "web.default.svc", "AAAA", "no such record"},
	{"no such Service", "nobody.default.svc", "A", "no such name"},
	{"no such namespace", "web.nowhere.svc", "A", "no such name"},
	{"a namespace", "default.svc", "A", "no such record"},
	{"headless", "headless.default.svc", "A", "web-1, web-2"},
	{"a pod of it that has a name", "first.headless.default.svc", "A", "web-1"},
	{"a pod of it that has none", "{web-2}.headless.default.svc", "A", "web-2"},
	{"headless, without pods", "empty.default.svc", "A", "no such name"},
	{"headless, its pod is not ready", "unready.default.svc", "A", "no such name"},
	{"… with publishNotReadyAddresses", "early.default.svc", "A", "shy"},
	{"a pod, by its address", "{web-2}.default.pod", "A", "web-2"},
	{"SRV", "_http._tcp.web.default.svc", "SRV", "8080 web.default.svc"},
	{"SRV, UDP", "_talk._udp.web.default.svc", "SRV", "7 web.default.svc"},
	{"SRV, no such port", "_smtp._tcp.web.default.svc", "SRV", "no such name"},
	{"SRV, headless: the pods' port", "_http._tcp.headless.default.svc", "SRV", "80 first.headless.default.svc, 80 {web-2}.headless.default.svc"},
	{"ExternalName, inside", "alias.default.svc", "A", "10.96.2.2, alias of web.shop.svc"},
	{"ExternalName, outside", "outside.default.svc", "CNAME", "alias of www.example.com."},
	{"a name of an address: a Service", "1.2.96.10.in-addr.arpa.", "PTR", "web.default.svc"},
	{"… a pod: one for each Service", "{web-1}.in-addr.arpa.", "PTR", "first.headless.default.svc, {web-1}.web.default.svc"},
	{"the specification's version", "dns-version", "TXT", "1.1.0"},
	{"outside, where there is no upstream", "www.example.com.", "A", "no such name"},
}

// Lookups are what glibc is asked for in a pod, how many queries that takes,
// for A and AAAA at once, and what comes of it.
var lookups = []lookup{
	{"five", "web", 2, "10.96.2.1"},
	{"five", "web.shop", 4, "10.96.2.2"},
	{"five", "web.shop.svc", 6, "10.96.2.2"},
	{"five", "web.shop.svc.cluster.local", 8, "10.96.2.2"},
	{"five", "web.shop.svc.cluster.local.", 2, "10.96.2.2"},
	{"five", "www.example.com", 8, "no such name"},
	{"five", "www.example.com.", 2, "no such name"},
	{"one", "web", 2, "10.96.2.1"},
	{"one", "web.shop", 6, "10.96.2.2"},
	{"one", "web.shop.svc.cluster.local", 2, "10.96.2.2"},
	{"one", "www.example.com", 8, "no such name"},
}
