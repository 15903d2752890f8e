package engine

import (
	"slices"
	"strings"
	"time"
)

// Lab is one exercise: a world to start in, tasks to do in it, and what must
// be seen for each task to count as done.
//
// In the types of a lab the struct tag "yaml" is a field's name in
// lab.yaml, and "lab" what package labs demands of it: required (or, with
// unless=, only where another field is not given), the shape of its text, or
// with one= the values it may have.
type Lab struct {
	ID string `yaml:"id" lab:"required,id"`

	// Formerly are ids that the lab had: what has been done under them counts for it.
	Formerly []string `yaml:"formerly" lab:"id"`

	Title   string `yaml:"title" lab:"required"`
	Module  string `yaml:"module" lab:"required,id"`       // id of the module it belongs to, as in lessons/
	Order   int    `yaml:"order"`                          // position within its module; equal ones go by id
	Summary string `yaml:"summary" lab:"required"`         // one sentence: what the learner builds or repairs
	Minutes int    `yaml:"minutes" lab:"required,minutes"` // what it takes a first-time learner, roughly

	// Requires names what the machine must offer, in preflight's words:
	// kernel features ("veth", "bridge", "nat") and tools ("iptables").
	Requires []string `yaml:"requires" lab:"id"`

	Topology   Topology     `yaml:",inline"`
	Cluster    *Cluster     `yaml:"cluster"` // a Kubernetes; its nodes are in Topology once the lab is loaded
	Tasks      []Task       `yaml:"tasks" lab:"required"`
	Collateral []Collateral `yaml:"collateral"`
	Faults     []Fault      `yaml:"faults"`

	// Prepare is run by the program itself, in this order, once the topology
	// stands and before the learner's first command; reset runs it again.
	Prepare []Script `yaml:"-"`

	// Unwatched labs are looked at by Session.Settle only. Until it is called
	// nothing is judged and no packet sent, so that what the first commands
	// show is the lab as it was built.
	Unwatched bool `yaml:"-"`

	Solution     Script   `yaml:"-"`
	Alternatives []Script `yaml:"-"`
	Mistakes     []Script `yaml:"-"`

	// Fault is what is broken in this lab from the start; nil in a lab as its
	// author wrote it. See Faulted.
	Fault *Fault `yaml:"-"`

	Seed   int64             `yaml:"-"` // the seed the parameters were drawn with; 0 is the canonical lab
	Params map[string]string `yaml:"-"` // the parameters' values
}

// Uses reports whether one of the lab's parameters stands in a text, as ${name}.
func (l *Lab) Uses(text string) bool {
	for name := range l.Params {
		if strings.Contains(text, "${"+name+"}") {
			return true
		}
	}
	return false
}

// Expand puts the values of the lab's parameters in place of their ${name} in a text, but
// for those that are excepted. Other ${…} are left as they are.
func (l *Lab) Expand(text string, except ...string) string {
	for name, value := range l.Params {
		if !slices.Contains(except, name) {
			text = strings.ReplaceAll(text, "${"+name+"}", value)
		}
	}
	return text
}

// Task returns the task with this id, or nil.
func (l *Lab) Task(id string) *Task {
	for i := range l.Tasks {
		if l.Tasks[i].ID == id {
			return &l.Tasks[i]
		}
	}
	return nil
}

// Script is a sequence of shell lines as a learner would type them.
type Script struct {
	Name string // file name without .sh: "solve", "pure-nft", "no-up"
	Node string // node whose shell it is typed into; "" means the lab's first shell
	Text string

	// Fails names the tasks that a mistake leaves undone, and Misconception
	// the id that must answer it. Both are empty for right solutions. They
	// come from "# fails: a, b" and "# misconception: id" comment lines.
	Fails         []string
	Misconception string
}

// Parts takes a script apart at its "# node: NAME" lines into one script for
// each stretch that is typed in the same shell. A script without such lines is
// its own only part; a part's Node is empty for the lab's first shell.
func (s Script) Parts() []Script {
	part := s
	part.Text = ""
	var out []Script
	for line := range strings.Lines(s.Text) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "# node:"); ok {
			if strings.TrimSpace(part.Text) != "" {
				out = append(out, part)
			}
			part.Node, part.Text = strings.TrimSpace(name), ""
			continue
		}
		part.Text += line
	}
	if strings.TrimSpace(part.Text) != "" || out == nil {
		out = append(out, part)
	}
	return out
}

// Topology is the world as it is before the learner's first command.
type Topology struct {
	Nodes     []Node     `yaml:"nodes" lab:"required,unless=cluster"`
	Links     []Link     `yaml:"links"`
	Workloads []Workload `yaml:"workloads"`
}

// Node returns the node with this name, or nil.
func (t *Topology) Node(name string) *Node {
	for i := range t.Nodes {
		if t.Nodes[i].Name == name {
			return &t.Nodes[i]
		}
	}
	return nil
}

// Built returns the part of the topology that is built from it: all but pods,
// which a cluster makes.
func (t *Topology) Built() *Topology {
	out := *t
	out.Nodes = slices.DeleteFunc(slices.Clone(t.Nodes), func(n Node) bool { return n.Pod != nil })
	return &out
}

// Only returns the part of the topology that has these nodes and the links among
// them.
func (t *Topology) Only(names ...string) *Topology {
	var out Topology
	for _, n := range t.Nodes {
		if slices.Contains(names, n.Name) {
			out.Nodes = append(out.Nodes, n)
		}
	}
	for _, l := range t.Links {
		if slices.Contains(names, l.A.Node) && slices.Contains(names, l.B.Node) {
			out.Links = append(out.Links, l)
		}
	}
	return &out
}

// Without returns the topology without what Only returns.
func (t *Topology) Without(names ...string) *Topology {
	out := *t
	out.Nodes = slices.DeleteFunc(slices.Clone(t.Nodes), func(n Node) bool { return slices.Contains(names, n.Name) })
	out.Links = slices.DeleteFunc(slices.Clone(t.Links), func(l Link) bool {
		return slices.Contains(names, l.A.Node) && slices.Contains(names, l.B.Node)
	})
	return &out
}

// NodeNames returns the nodes' names in their order.
func (t *Topology) NodeNames() []string {
	names := make([]string, 0, len(t.Nodes))
	for _, n := range t.Nodes {
		names = append(names, n.Name)
	}
	return names
}

// FirstShell names the node whose shell scripts are typed into unless they name
// another: the first for which a tab is opened, else the first of all.
func (t *Topology) FirstShell() string {
	for _, n := range t.Nodes {
		if n.Shell {
			return n.Name
		}
	}
	if len(t.Nodes) == 0 {
		return ""
	}
	return t.Nodes[0].Name
}

// Kind says what a node stands for. It changes how it is drawn, not what it is:
// each is a network namespace with a hostname and an /etc of its own.
type Kind string

// The kinds of node.
const (
	KindHost      Kind = "host"
	KindContainer Kind = "container"
	KindRouter    Kind = "router"
	KindSwitch    Kind = "switch"
	KindRemote    Kind = "remote"
)

// Node is one named network namespace.
type Node struct {
	Name    string            `yaml:"name" lab:"required,nodename"`
	Kind    Kind              `yaml:"kind" lab:"required,one=host|container|router|switch|remote"`
	Title   string            `yaml:"title"` // a few words for the picture: "the Docker host"
	Shell   bool              `yaml:"shell"` // a shell tab is opened for it
	Bare    bool              `yaml:"bare"`  // lo is left down, as `ip netns add` leaves it; otherwise it is up
	Bridges []Bridge          `yaml:"bridges"`
	Routes  []Route           `yaml:"routes"`
	Sysctls []Sysctl          `yaml:"sysctls"`          // set after links are up, in this order
	Hosts   map[string]string `yaml:"hosts" lab:"addr"` // name → address, for /etc/hosts
	DNS     []string          `yaml:"dns" lab:"addr"`   // nameservers for resolv.conf
	// DNSSearch and DNSOptions are resolv.conf's search list and its options.
	DNSSearch  []string `yaml:"dns_search" lab:"domain"`
	DNSOptions []string `yaml:"dns_options" lab:"dnsoption"`
	Setup      []string `yaml:"setup"` // shell lines run in the node once links, routes and sysctls are set

	// Pod is the pod that the node is; nil for a node that is built from here.
	// Such a node is there only while its pod is.
	Pod *Pod `yaml:"-"`
}

// Bridge is a bridge device in a node.
type Bridge struct {
	Name    string   `yaml:"name" lab:"required,ifname"`
	Address []string `yaml:"address" lab:"cidr"`
	MAC     string   `yaml:"mac" lab:"mac"`
	Down    bool     `yaml:"down"`
}

// Link is a veth pair between two nodes.
type Link struct {
	A End `yaml:"a" lab:"required"`
	B End `yaml:"b" lab:"required"`
}

// End is one end of a link.
type End struct {
	Node    string   `yaml:"node" lab:"required,node"`
	Name    string   `yaml:"name" lab:"required,ifname"`
	Address []string `yaml:"address" lab:"cidr"`
	MAC     string   `yaml:"mac" lab:"mac"`
	MTU     int      `yaml:"mtu" lab:"mtu"`
	Bridge  string   `yaml:"bridge" lab:"ifname"` // enslave to this bridge of the same node
	Down    bool     `yaml:"down"`                // leave it down
}

// Route is one static route of the main table.
type Route struct {
	To  string `yaml:"to" lab:"required,dest"` // CIDR or "default"
	Via string `yaml:"via" lab:"addr"`
	Dev string `yaml:"dev" lab:"ifname"`
}

// Sysctl is one kernel setting, by its dotted name.
type Sysctl struct{ Name, Value string }

// Workload is a small server that runs in a node from the start.
type Workload struct {
	Node   string `yaml:"node" lab:"required,node"`
	Kind   string `yaml:"kind" lab:"required,one=http|tcp|udp|dns"`
	Name   string `yaml:"name"`                         // what it calls itself in its answers; the node's name unless given
	Listen string `yaml:"listen" lab:"required,listen"` // "[ADDR]:PORT"
	// Records are a dns workload's answers: name → values, as package zone reads them.
	Records map[string][]string `yaml:"records"`
	Delay   time.Duration       `yaml:"delay"` // of a dns workload: how long it takes to answer
}

// Mode says when a task counts as done.
type Mode string

// The modes of a task: Now must hold whenever it is looked at, Once latches.
const (
	Now  Mode = "now"
	Once Mode = "once"
)

// Task is one goal. It is done when all its checks pass and every task in
// After is done.
type Task struct {
	ID             string          `yaml:"id" lab:"required,id"`
	Formerly       []string        `yaml:"formerly" lab:"id"` // ids that the task had: what has been done under them counts for it
	Goal           string          `yaml:"goal" lab:"required"`
	After          []string        `yaml:"after"`
	Mode           Mode            `yaml:"mode" lab:"one=now|once"`
	Checks         []Check         `yaml:"checks" lab:"required"`
	Hints          Hints           `yaml:"hints" lab:"required"`
	Misconceptions []Misconception `yaml:"misconceptions"`
}

// Hints go from the gentlest to the answer itself.
type Hints struct {
	Symptom  string `yaml:"symptom" lab:"required"`
	Layer    string `yaml:"layer" lab:"required"`
	Command  string `yaml:"command" lab:"required"`
	Solution string `yaml:"solution" lab:"required"`
}

// Tiers returns the hints that there are, in the order in which they are given.
func (h Hints) Tiers() []string {
	all := []string{h.Symptom, h.Layer, h.Command, h.Solution}
	return slices.DeleteFunc(all, func(tier string) bool { return tier == "" })
}

// NoMisconception in place of a mistake's misconception says that none may answer it.
const NoMisconception = "none"

// Misconception is a wrong idea that can be recognised from the live state.
// The first of a task whose When passes is what the learner is told.
type Misconception struct {
	ID   string  `yaml:"id" lab:"required,id"`
	When []Check `yaml:"when" lab:"required"` // all must pass
	Says string  `yaml:"says" lab:"required"`
}

// Collateral is something that works, or must not work, before and after.
type Collateral struct {
	Goal  string `yaml:"goal" lab:"required"`
	Check Check  `yaml:"check" lab:"required"`
}
