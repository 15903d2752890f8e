package engine

import (
	"fmt"
	"strconv"
)

// Cluster is a Kubernetes of the lab's own. Its nodes are nodes of the lab: a
// control plane, the workers node1, node2 …, and lan, the switch that joins them
// on 192.168.50.0/24. Pods become nodes of the lab when they start.
type Cluster struct {
	Nodes     int      `yaml:"nodes" lab:"workers"`                      // worker nodes; 2 unless given
	Proxy     string   `yaml:"proxy" lab:"one=nftables|iptables|none"`   // how kube-proxy programs a node; nftables unless given
	CNI       string   `yaml:"cni" lab:"one=bridge|flannel|calico|none"` // who connects pods, and how they reach another node's; bridge unless given
	Policy    string   `yaml:"policy" lab:"one=on|off"`                  // whether NetworkPolicy is enforced; off unless given
	DNS       string   `yaml:"dns" lab:"one=on|off"`                     // whether there is a cluster DNS; on unless given
	Manifests []string `yaml:"manifests" lab:"manifest"`                 // YAML files of the lab's folder, applied in this order
	Pods      []Pod    `yaml:"pods"`                                     // those that tasks, tabs and scripts speak of

	// Objects are the manifests' texts, in their order.
	Objects []Manifest `yaml:"-"`
}

// Manifest is a file of Kubernetes objects.
type Manifest struct{ Name, Text string }

// Pod gives one pod of the cluster the name of a node.
type Pod struct {
	Name      string `yaml:"name" lab:"required,nodename"`
	Namespace string `yaml:"namespace" lab:"hostname"` // default unless given
	Pod       string `yaml:"pod" lab:"hostname"`       // the pod's own name; Name unless given
	Select    string `yaml:"select"`                   // labels instead of a name, "app=web,tier=front": the oldest pod that has them
	Title     string `yaml:"title"`                    // a few words for the picture
	Shell     bool   `yaml:"shell"`                    // a shell tab is opened for it
}

// ObjectCheck looks for an object of the lab's cluster that is as asked. What
// objects say is a promise: what counts is traffic.
type ObjectCheck struct {
	Kind      string        `yaml:"kind" lab:"required,one=pod|node|namespace|service|endpointslice|deployment|replicaset|networkpolicy|configmap"`
	Namespace string        `yaml:"namespace" lab:"hostname"` // default unless given
	Name      string        `yaml:"name" lab:"hostname"`      // any unless given
	Select    string        `yaml:"select"`                   // labels that it must have: "app=web,tier=front"
	Fields    []ObjectField `yaml:"fields"`                   // all must hold
}

// ObjectField is a field of an object.
type ObjectField struct {
	Path string `yaml:"path" lab:"required"` // dotted: "spec.ports.0.nodePort"
	Is   string `yaml:"is" lab:"scalar"`     // its value; "" for any
}

// Names and addresses of what every cluster has.
const (
	ClusterControl = "control"
	ClusterLAN     = "lan"
	ClusterBridge  = "br0" // of the switch: other nodes of the lab can be plugged in
)

const (
	clusterGateway = "192.168.50.1"
	clusterDevice  = "eth0"
)

// The network of Services, the address of the cluster's name server in it, and
// the domain that it serves.
const (
	ClusterServices = "10.96.0.0/16"
	ClusterDNS      = "10.96.0.10"
	ClusterDomain   = "cluster.local"
)

// ClusterNode is a node of a cluster.
type ClusterNode struct {
	Name    string
	Address string // on the switch
	Pods    string // network of its pods, "" for the control plane
}

// Control is the node with the API server.
func (c *Cluster) Control() ClusterNode {
	return ClusterNode{Name: ClusterControl, Address: "192.168.50.10"}
}

// Workers are the nodes that pods run on.
func (c *Cluster) Workers() []ClusterNode {
	out := make([]ClusterNode, 0, c.Nodes)
	for i := range c.Nodes {
		n := strconv.Itoa(i + 1)
		out = append(out, ClusterNode{Name: "node" + n, Address: "192.168.50.1" + n, Pods: "10.244." + n + ".0/24"})
	}
	return out
}

// Complete fills in what was left out, and adds the cluster's nodes to the
// topology in front of the lab's own. It is called once.
func (c *Cluster) Complete(t *Topology) {
	if c.Nodes == 0 {
		c.Nodes = 2
	}
	for _, f := range []struct {
		field *string
		usual string
	}{{&c.Proxy, "nftables"}, {&c.CNI, "bridge"}, {&c.Policy, "off"}, {&c.DNS, "on"}} {
		if *f.field == "" {
			*f.field = f.usual
		}
	}
	nodes, links := c.wired()
	t.Nodes = append(nodes, t.Nodes...)
	t.Links = append(links, t.Links...)
	for i := range c.Pods {
		p := &c.Pods[i]
		if p.Namespace == "" {
			p.Namespace = "default"
		}
		if p.Pod == "" && p.Select == "" {
			p.Pod = p.Name
		}
		t.Nodes = append(t.Nodes, Node{Name: p.Name, Kind: KindContainer, Title: p.title(), Shell: p.Shell, Pod: p})
	}
}

func (p *Pod) title() string {
	switch {
	case p.Title != "":
		return p.Title
	case p.Select != "":
		return "pod with " + p.Select
	case p.Pod == p.Name:
		return "pod"
	}
	return "pod " + p.Pod
}

// wired are the cluster's nodes and the cables between them and the switch. A node
// refuses calls to a Service without endpoints by an ICMP error. Linux sends one
// second of these to each caller and is silent then, which no check could tell from
// a lost packet, so the limit is off.
func (c *Cluster) wired() (nodes []Node, links []Link) {
	all := append([]ClusterNode{c.Control()}, c.Workers()...)
	for _, n := range all {
		node := Node{
			Name: n.Name, Kind: KindHost, Title: "worker node", Shell: true,
			Routes:  []Route{{To: "default", Via: clusterGateway}},
			Sysctls: []Sysctl{{"net.ipv4.ip_forward", "1"}, {"net.ipv4.icmp_ratelimit", "0"}},
			Hosts:   map[string]string{},
		}
		if n.Name == ClusterControl {
			node.Title = "control plane"
		}
		for _, other := range all {
			node.Hosts[other.Name] = other.Address
		}
		nodes = append(nodes, node)
		links = append(links, Link{
			A: End{Node: n.Name, Name: clusterDevice, Address: []string{n.Address + "/24"}},
			B: End{Node: ClusterLAN, Name: fmt.Sprintf("to-%s", n.Name), Bridge: ClusterBridge},
		})
	}
	nodes = append(nodes, Node{
		Name: ClusterLAN, Kind: KindSwitch, Title: "network of the nodes",
		Bridges: []Bridge{{Name: ClusterBridge, Address: []string{clusterGateway + "/24"}}},
		Sysctls: []Sysctl{{"net.ipv4.ip_forward", "1"}},
	})
	return nodes, links
}
