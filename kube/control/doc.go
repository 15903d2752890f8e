// Package control is the control plane of a cluster in one process: the API
// server of Kubernetes over a store in memory, its controllers, as far as the
// cluster needs them, and its scheduler. It does not know of nodes' network
// namespaces; the process it runs in is in that of the control node.
package control
