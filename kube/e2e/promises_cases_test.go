package e2e

// Promised are the objects that promises are about: web-1 and near on node1, web-2
// and far on node2, and Services that find the first, or one, or none of them.
const promised = `
apiVersion: v1
kind: Pod
metadata: {name: web-1, labels: {app: web, one: "true"}}
spec: {nodeName: node1, containers: [{name: web, image: http, ports: [{name: page, containerPort: 80}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web-2, labels: {app: web}}
spec: {nodeName: node2, containers: [{name: web, image: http, ports: [{name: page, containerPort: 80}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: echo, labels: {app: echo}}
spec: {nodeName: node2, containers: [{name: echo, image: udp}]}
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
metadata: {name: near}
spec: {nodeName: node1, containers: [{name: near, image: toolbox}]}
---
apiVersion: v1
kind: Pod
metadata: {name: far}
spec: {nodeName: node2, containers: [{name: far, image: toolbox}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: NodePort, clusterIP: 10.96.1.1, selector: {app: web}, ports: [{port: 80, targetPort: page, nodePort: 30001}]}
---
apiVersion: v1
kind: Service
metadata: {name: alone}
spec: {clusterIP: 10.96.1.2, selector: {one: "true"}, ports: [{port: 8080, targetPort: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: local-out}
spec: {type: NodePort, externalTrafficPolicy: Local, clusterIP: 10.96.1.3, selector: {one: "true"}, ports: [{port: 80, nodePort: 30003}]}
---
apiVersion: v1
kind: Service
metadata: {name: local-in}
spec: {internalTrafficPolicy: Local, clusterIP: 10.96.1.4, selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: local-in-one}
spec: {internalTrafficPolicy: Local, clusterIP: 10.96.1.5, selector: {one: "true"}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: sticky}
spec: {type: NodePort, sessionAffinity: ClientIP, clusterIP: 10.96.1.6, selector: {app: web}, ports: [{port: 80, nodePort: 30006}]}
---
apiVersion: v1
kind: Service
metadata: {name: headless}
spec: {clusterIP: None, selector: {app: web}, ports: [{port: 8080, targetPort: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: alias}
spec: {type: ExternalName, externalName: web.default.svc.cluster.local}
---
apiVersion: v1
kind: Service
metadata: {name: nobody}
spec: {type: NodePort, clusterIP: 10.96.1.7, selector: {app: nobody}, ports: [{port: 80, nodePort: 30007}]}
---
apiVersion: v1
kind: Service
metadata: {name: unready}
spec: {clusterIP: 10.96.1.8, selector: {app: shy}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: early}
spec: {publishNotReadyAddresses: true, clusterIP: 10.96.1.9, selector: {app: shy}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: echo}
spec: {type: NodePort, clusterIP: 10.96.1.10, selector: {app: echo}, ports: [{port: 7, protocol: UDP, nodePort: 30010}]}
---
apiVersion: v1
kind: Service
metadata: {name: closest}
spec: {trafficDistribution: PreferSameNode, clusterIP: 10.96.1.11, selector: {app: web}, ports: [{port: 80}]}
`

const (
	node1 = "192.168.50.11"
	node2 = "192.168.50.12"
)

// The fabric stands for what is outside of the cluster.
var promises = []promise{
	{name: "ClusterIP", from: "near", to: "10.96.1.1:80", want: "web-1 ← near, web-2 ← near"},
	{name: "ClusterIP, from the other node", from: "far", to: "10.96.1.1:80", want: "web-1 ← far, web-2 ← far"},
	{name: "ClusterIP, from a node", from: "node1", to: "10.96.1.1:80", want: "web-1 ← node1, web-2 ← node1"},
	{name: "port and targetPort", from: "far", to: "10.96.1.2:8080", want: "web-1 ← far"},
	{name: "a port that the Service does not have", from: "near", to: "10.96.1.1:81", want: refused, iptables: unreachable},
	{name: "hairpin: a pod to itself", from: "web-1", to: "10.96.1.2:8080", want: "web-1 ← node1"},
	{name: "UDP", from: "near", to: "udp:10.96.1.10:7", want: "echo ← near"},
	{name: "NodePort", from: "fabric", to: node1 + ":30001", want: "web-1 ← node1, web-2 ← node1"},
	{name: "NodePort on the other node", from: "fabric", to: node2 + ":30001", want: "web-1 ← node2, web-2 ← node2"},
	{name: "NodePort, UDP, on a node without the pod", from: "fabric", to: "udp:" + node1 + ":30010", want: "echo ← node1"},
	{name: "NodePort, from a pod", from: "near", to: node2 + ":30001", want: "web-1 ← node2, web-2 ← node2"},
	{name: "NodePort, from a node to itself", from: "node1", to: node1 + ":30001", want: "web-1 ← node1, web-2 ← node1"},
	{name: "NodePort on a node's 127.0.0.1", from: "node1", to: "127.0.0.1:30001", want: refused, iptables: "web-1 ← node1, web-2 ← node1"},
	{name: "externalTrafficPolicy: Local", from: "fabric", to: node1 + ":30003", want: "web-1 ← fabric"},
	{name: "… on a node without the pod", from: "fabric", to: node2 + ":30003", want: silence},
	{name: "… there, from a pod of that node", from: "far", to: node2 + ":30003", want: "web-1 ← far"},
	{name: "… and its ClusterIP", from: "far", to: "10.96.1.3:80", want: "web-1 ← far"},
	{name: "internalTrafficPolicy: Local", from: "near", to: "10.96.1.4:80", want: "web-1 ← near"},
	{name: "… on the other node", from: "far", to: "10.96.1.4:80", want: "web-2 ← far"},
	{name: "… on a node without the pod", from: "far", to: "10.96.1.5:80", want: silence},
	{name: "trafficDistribution: PreferSameNode", from: "near", to: "10.96.1.11:80", want: "web-1 ← near"},
	{name: "… on the other node", from: "far", to: "10.96.1.11:80", want: "web-2 ← far"},
	{name: "sessionAffinity: ClientIP", from: "near", to: "10.96.1.6:80", want: "web-1 ← near or web-2 ← near"},
	{name: "… at a NodePort", from: "fabric", to: node1 + ":30006", want: "web-1 ← node1 or web-2 ← node1"},
	{name: "headless: the pods' own port", from: "near", to: "headless" + domain + ":80", want: "web-1 ← near, web-2 ← near"},
	{name: "headless: port means nothing", from: "near", to: "headless" + domain + ":8080", want: refused},
	{name: "ExternalName", from: "near", to: "alias" + domain + ":80", want: "web-1 ← near, web-2 ← near"},
	{name: "no endpoints", from: "near", to: "10.96.1.7:80", want: refused},
	{name: "… from a node", from: "node1", to: "10.96.1.7:80", want: refused},
	{name: "… at a NodePort", from: "fabric", to: node1 + ":30007", want: refused},
	{name: "a pod that is not ready", from: "near", to: "10.96.1.8:80", want: refused},
	{name: "publishNotReadyAddresses", from: "near", to: "10.96.1.9:80", want: "shy ← near"},
}
