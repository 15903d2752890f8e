// Package companion is what the tutor and its companions have agreed on. These are
// programs of Underlay's own that only labs with a Kubernetes need, built apart
// (kube/) because a Kubernetes takes minutes to build: their names, what they are
// told, and what they tell.
package companion

import (
	"net/netip"
	"time"

	"underlay/engine"
)

// The programs.
const (
	ClusterProgram = "underlay-kube" // makes a cluster; by the name kubectl, that
	PodProgram     = "underlay-pod"  // runs in its pods
)

// DirVariable is the environment variable with the directory in which the programs are
// looked for first.
const DirVariable = "UNDERLAY_KUBE_BIN"

// Dir is the directory of a cluster that is told no other.
const Dir = "/run/kube"

// AdminConf is the file in a cluster's directory with which kubectl reaches it.
const AdminConf = "admin.conf"

// SettledPath is where the API server of a cluster answers once the cluster does what its
// objects ask for: with Settled or, after twenty seconds, with Late and the name of what
// is not as it is to be.
const (
	SettledPath = "/underlay/settled"
	Settled     = "settled"
	Late        = "late: "
)

// Config is what ClusterProgram is told, in a file of JSON. The namespaces of its nodes
// exist and are wired: each node has its address and a default route.
type Config struct {
	// Dir is for sockets, logs, keys and AdminConf; it is made.
	Dir     string  `json:"dir"`
	Control Control `json:"control"`
	Nodes   []Node  `json:"nodes"`

	ServiceCIDR netip.Prefix `json:"serviceCIDR"`
	// DNSService is the ClusterIP of the cluster's DNS.
	DNSService netip.Addr `json:"dnsService"`
	Domain     string     `json:"domain"`

	Proxy  string `json:"proxy"` // nftables, iptables or none
	CNI    string `json:"cni"`   // bridge, flannel, calico or none
	Policy bool   `json:"policy"`
	DNS    bool   `json:"dns"`
	// Upstream is where DNS asks about names outside of the cluster. Without
	// it, there are none.
	Upstream netip.Addr `json:"upstream,omitzero"`

	// Manifests are files of objects to apply once the nodes are ready.
	Manifests []string `json:"manifests"`
	// PodBinary is the path of PodProgram.
	PodBinary string `json:"podBinary"`

	// Compaction is how often the store forgets earlier revisions, such as "5s".
	// Unless given it is as often as in any Kubernetes.
	Compaction Duration `json:"compaction,omitzero"`
}

// Control is where the API server listens, on port 6443.
type Control struct {
	Node    string     `json:"node"` // a network namespace; it may be that of a worker
	Address netip.Addr `json:"address"`
}

// Node is a worker.
type Node struct {
	Name    string       `json:"name"` // also its network namespace below /run/netns
	Address netip.Addr   `json:"address"`
	PodCIDR netip.Prefix `json:"podCIDR"`
}

// Default returns what holds for a cluster that is told nothing else. It has no
// nodes yet.
func Default() Config {
	return Config{
		Dir:         Dir,
		ServiceCIDR: netip.MustParsePrefix(engine.ClusterServices),
		DNSService:  netip.MustParseAddr(engine.ClusterDNS),
		Domain:      engine.ClusterDomain,
		Proxy:       "nftables", CNI: "bridge", Policy: true, DNS: true,
	}
}

// Duration is written as text, such as "5s".
type Duration time.Duration

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = Duration(parsed)
	return err
}

// ReportsFD is the descriptor to which ClusterProgram tells how it is.
const ReportsFD = 3

// Report says how a step stands. Reports are written as JSON, one a line.
type Report struct {
	Step  string `json:"step"`
	State string `json:"state"`
	// MS is when, in milliseconds after the start.
	MS   int64  `json:"ms"`
	Text string `json:"text,omitempty"`
	// Pod is what the report is about, if its step is StepPod.
	Pod *PodReport `json:"pod,omitempty"`
}

// The steps, in the order in which they usually end.
const (
	StepServer    = "API server"
	StepControl   = "controllers"
	StepProxy     = "kube-proxy"
	StepPolicy    = "network policies"
	StepNodes     = "nodes"
	StepDNS       = "DNS"
	StepManifests = "manifests"
	StepCluster   = "cluster"
	StepPod       = "pod"     // of each pod, at any time
	StepStandby   = "standby" // of a cluster that has yet to be told what it is made of
)

// The states of a step.
const (
	Ready     = "ready"
	Failed    = "failed"
	Restarted = "restarted"
)

// The states of a pod.
const (
	Running = "running" // it has its namespace and its address
	Gone    = "gone"
)

// PodReport tells of a pod that has a network namespace of its own.
type PodReport struct {
	Name      string            `json:"name"`
	Namespace string            `json:"namespace"`
	Labels    map[string]string `json:"labels,omitempty"`
	Node      string            `json:"node"`
	Netns     string            `json:"netns"` // its name below /run/netns
	IP        string            `json:"ip,omitempty"`
	Ready     bool              `json:"ready"`
	Created   time.Time         `json:"created"`
}
