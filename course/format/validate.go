package format

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/token"

	"underlay/course/ids"
	"underlay/engine"
	"underlay/engine/workload/zone"
)

// maxNodes is the largest lab that may be described.
const maxNodes = 256

// validator checks what a decoded lab says as a whole.
type validator struct {
	*decoder
	lab *engine.Lab
}

// at returns the place of a decoded value, given a pointer to it.
func (v *validator) at(pointer any) *token.Position { return v.where[pointer] }

// check runs every rule, the topology's first.
func (v *validator) check() {
	v.checkFormerly(v.lab.ID, v.lab.Formerly)
	v.checkNodes()
	v.checkReferences()
	v.checkInterfaces()
	v.checkDevices()
	v.checkAddresses()
	v.checkRoutes()
	v.checkWorkloads()
	v.checkTasks()
	v.checkFaults()
	v.checkChecks()
}

// checkFormerly demands that the ids which something had differ, and are not the one that
// it has.
func (v *validator) checkFormerly(id string, formerly []string) {
	for i, what := range ids.Repeated(id, formerly) {
		if what != "" {
			v.errorf(v.at(&formerly[i]), "%s", what)
		}
	}
}

// checkUsed demands that ids are not used again within the lab: that of a task or fault,
// and those that it had.
func (v *validator) checkUsed(used *ids.Used, kind string, id *string, formerly []string) {
	v.checkFormerly(*id, formerly)
	wrong, wrongs := used.Add(fmt.Sprintf("%s %q", kind, *id), *id, formerly)
	if wrong != "" {
		v.errorf(v.at(id), "%s %s", kind, wrong)
	}
	for i, what := range wrongs {
		if what != "" {
			v.errorf(v.at(&formerly[i]), "%s", what)
		}
	}
}

func (v *validator) nodeNames() []string {
	out := make([]string, 0, len(v.lab.Topology.Nodes))
	for i := range v.lab.Topology.Nodes {
		out = append(out, v.lab.Topology.Nodes[i].Name)
	}
	return out
}

func (v *validator) checkNodes() {
	nodes := v.lab.Topology.Nodes
	if len(nodes) > maxNodes {
		v.errorf(v.at(&v.lab.Topology.Nodes), "%d nodes; a lab has at most %d", len(nodes), maxNodes)
	}
	seen, shells := map[string]bool{}, 0
	for i := range nodes {
		n := &nodes[i]
		if n.Name != "" && seen[n.Name] {
			v.errorf(v.at(&n.Name), "node %q is there twice; each name names one node", n.Name)
		}
		seen[n.Name] = true
		if n.Shell {
			shells++
		}
	}
	if len(nodes) > 0 && shells == 0 {
		v.errorf(v.at(&v.lab.Topology.Nodes), "no node has shell: true; the learner needs at least one shell")
	}
}

// checkReferences looks up every node that was mentioned anywhere.
func (v *validator) checkReferences() {
	known := v.nodeNames()
	for _, r := range v.nodes {
		if !slices.Contains(known, r.node) {
			v.errorf(r.at, "unknown node %q; nodes here: %s%s", r.node, listed(known), meant(r.node, known))
		}
	}
}

// checkWorkloads fills in names, and demands that no two servers want one port.
func (v *validator) checkWorkloads() {
	taken := map[string]string{}
	for i := range v.lab.Topology.Workloads {
		w := &v.lab.Topology.Workloads[i]
		if w.Name == "" {
			w.Name = w.Node
		}
		if w.Kind != "dns" && len(w.Records) > 0 {
			v.errorf(v.at(&w.Records), "records are for a workload of kind dns, this is of kind %s", w.Kind)
		}
		if w.Kind != "dns" && w.Delay != 0 {
			v.errorf(v.at(&w.Delay), "delay is for a workload of kind dns, this is of kind %s", w.Kind)
		}
		for _, name := range slices.Sorted(maps.Keys(w.Records)) {
			if _, err := zone.Parse(name, w.Records[name]); err != nil {
				v.errorf(v.at(&w.Records), "records of %s: %v", name, err)
			}
		}
		v.checkWorkload(w)
		port := w.Listen[strings.LastIndexByte(w.Listen, ':')+1:]
		for _, transport := range transports(w) {
			key := fmt.Sprintf("%s %s %s", w.Node, transport, port)
			if other, ok := taken[key]; ok && w.Listen != "" {
				v.errorf(v.at(&w.Listen), "port %s/%s of node %q is taken by workload %q", port, transport, w.Node, other)
			}
			taken[key] = w.Name
		}
	}
}

// checkWorkload refuses what is not for a workload's kind.
func (v *validator) checkWorkload(w *engine.Workload) {
	relay := w.Kind == "relay"
	switch {
	case relay && w.To == "":
		v.errorf(v.at(&w.Kind), "a relay needs to, the address and port that it leads to")
	case !relay && w.To != "":
		v.errorf(v.at(&w.To), "to is for a workload of kind relay, this is of kind %s", w.Kind)
	case !relay && w.Protocol != "":
		v.errorf(v.at(&w.Protocol), "protocol is for a workload of kind relay, this is of kind %s", w.Kind)
	}
	switch {
	case w.Kind == "https" && len(w.Certs) == 0:
		w.Certs = []engine.Cert{{Names: []string{w.Node}}}
	case w.Kind != "https" && len(w.Certs) > 0:
		v.errorf(v.at(&w.Certs), "certs are for a workload of kind https, this is of kind %s", w.Kind)
	}
	if w.AnswersFrom != "" && w.Kind != "udp" {
		v.errorf(v.at(&w.AnswersFrom), "answers_from is for a workload of kind udp, this is of kind %s", w.Kind)
	}
}

// transports returns the protocols whose port a workload occupies.
func transports(w *engine.Workload) []string {
	switch w.Kind {
	case "relay":
		return []string{cmp.Or(w.Protocol, "tcp")}
	case "udp":
		return []string{"udp"}
	case "dns":
		return []string{"tcp", "udp"}
	case "":
		return nil
	}
	return []string{"tcp"}
}

// workloadNames returns what the lab's servers call themselves. A relay says nothing.
func (v *validator) workloadNames() []string {
	out := map[string]bool{}
	for i := range v.lab.Topology.Workloads {
		if v.lab.Topology.Workloads[i].Kind == "relay" {
			continue
		}
		out[v.lab.Topology.Workloads[i].Name] = true
	}
	return slices.Collect(maps.Keys(out))
}
