package format

import (
	"path"
	"reflect"
	"regexp"
	"slices"
	"sync"

	"underlay/engine"
)

// The words by which a lab with a cluster requires what it takes.
const (
	kubernetes      = "kubernetes"
	bridgeNetfilter = "br-netfilter"
)

// cluster puts the nodes of a lab's cluster into its topology. What the author
// wrote moves behind them, and keeps its place in the file.
func (d *decoder) cluster(lab *engine.Lab) {
	c := lab.Cluster
	if c == nil {
		return
	}
	for i := range c.Pods {
		if p := &c.Pods[i]; p.Pod != "" && p.Select != "" {
			d.errorf(d.where[&p.Select], "a pod is found by its name or by its labels; give pod or select, not both")
		}
	}
	lab.Requires = withCluster(lab.Requires, c.CNI)
	nodes, links, pods := lab.Topology.Nodes, lab.Topology.Links, len(c.Pods)
	c.Complete(&lab.Topology)
	all := lab.Topology
	d.moved(reflect.ValueOf(nodes), reflect.ValueOf(all.Nodes[len(all.Nodes)-pods-len(nodes):]))
	d.moved(reflect.ValueOf(links), reflect.ValueOf(all.Links[len(all.Links)-len(links):]))
	for i := range c.Pods { // their nodes stand where they do
		d.where[&all.Nodes[len(all.Nodes)-pods+i].Name] = d.where[&c.Pods[i].Name]
	}
}

// withCluster adds what a cluster takes to what a lab requires.
func withCluster(requires []string, cni string) []string {
	needs := []string{kubernetes}
	if cni == "" || cni == "bridge" || cni == "flannel" {
		// Pods of one node are on a bridge, and Services between them need its rules.
		needs = append(needs, bridgeNetfilter)
	}
	for _, word := range needs {
		if !slices.Contains(requires, word) {
			requires = append(requires, word)
		}
	}
	return requires
}

// moved says that the elements of a slice are now the first ones of another.
func (d *decoder) moved(from, to reflect.Value) {
	for i := range from.Len() {
		d.movedStruct(from.Index(i), to.Index(i))
	}
}

func (d *decoder) movedStruct(from, to reflect.Value) {
	if at, ok := d.where[from.Addr().Interface()]; ok {
		d.where[to.Addr().Interface()] = at
	}
	for i := range from.NumField() {
		f, t := from.Field(i), to.Field(i)
		if f.Kind() == reflect.Struct {
			d.movedStruct(f, t)
		} else if at, ok := d.where[f.Addr().Interface()]; ok {
			d.where[t.Addr().Interface()] = at
		}
	}
}

// manifests reads the files of Kubernetes objects that a lab's cluster begins
// with, and puts the lab's values in place of their ${name}.
func (s *scripts) manifests() {
	c := s.lab.Cluster
	if c == nil {
		return
	}
	for _, name := range c.Manifests {
		file := path.Join(s.dir, name)
		text, problem := readText(s.fsys, file, s.shown(file))
		if problem != nil {
			s.problems = append(s.problems, *problem)
			continue
		}
		if _, problem := parseDocuments(s.shown(file), text); problem != nil {
			s.problems = append(s.problems, *problem)
			continue
		}
		c.Objects = append(c.Objects, engine.Manifest{Name: name, Text: s.lab.Expand(text)})
	}
}

// manifestPattern matches the name of a manifest in the lab's folder.
var manifestPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*\.yaml$`) })

// isManifest reports whether a name is that of a manifest in the lab's folder.
func isManifest(name string) bool { return name != labFile && manifestPattern().MatchString(name) }

// maxWorkers is how many workers a cluster may have: their addresses end in 1
// and the worker's number.
const maxWorkers = 9
