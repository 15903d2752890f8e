package format

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"underlay/engine"
)

const clusterLab = `id: x
title: A cluster
module: services
summary: Two workers and a client.
minutes: 5
params:
  net: ["192.168.50"]
cluster:
  policy: on
  manifests: [web.yaml]
  pods:
    - {name: toolbox, shell: true}
    - {name: web, select: "app=web"}
nodes:
  - {name: client, kind: remote, shell: true}
links:
  - {a: {node: client, name: eth0, address: "${net}.100/24"}, b: {node: lan, name: to-client, bridge: br0}}
tasks:
  - id: web
    goal: toolbox reaches web.
    checks:
      - traffic: {from: toolbox, to: web, proto: http}
      - traffic: {from: client, to: 192.168.50.11, port: 30080, proto: tcp}
    hints: {symptom: s, layer: l, command: c, solution: s}
`

func clusterFolder(yaml string) fstest.MapFS {
	return fstest.MapFS{
		"x/lab.yaml": {Data: []byte(yaml)},
		"x/web.yaml": {Data: []byte("kind: Service\n---\nkind: Pod\nhostIP: ${net}.11\n")},
		"x/solve.sh": {Data: []byte("kubectl apply -f x.yaml\n")},
	}
}

func TestCluster(t *testing.T) {
	c, err := Load(clusterFolder(clusterLab), 0)
	if err != nil {
		t.Fatal(err)
	}
	lab := all(t, c)[0]
	got := strings.Join(lab.Topology.NodeNames(), " ")
	if want := "control node1 node2 lan client toolbox web"; got != want {
		t.Errorf("its nodes are %s, not %s", got, want)
	}
	if lab.Topology.FirstShell() != "control" {
		t.Errorf("scripts are typed in %s", lab.Topology.FirstShell())
	}
	cl := lab.Cluster
	if cl.Nodes != 2 || cl.Proxy != "nftables" || cl.CNI != "bridge" || cl.Policy != "on" || cl.DNS != "on" {
		t.Errorf("what was left out became %+v", cl)
	}
	if p := lab.Topology.Node("toolbox").Pod; p == nil || p.Pod != "toolbox" || p.Namespace != "default" {
		t.Errorf("toolbox is %+v", p)
	}
	if p := lab.Topology.Node("web").Pod; p == nil || p.Pod != "" || p.Select != "app=web" {
		t.Errorf("web is %+v", p)
	}
	if lab.Topology.Node("client").Pod != nil {
		t.Error("client is a pod")
	}
	if len(cl.Objects) != 1 || !strings.Contains(cl.Objects[0].Text, "hostIP: 192.168.50.11") {
		t.Errorf("manifests: %+v", cl.Objects)
	}
	if !slices.Equal(lab.Requires, []string{"kubernetes", "br-netfilter"}) {
		t.Errorf("it requires %v", lab.Requires)
	}
	routed, err := Load(clusterFolder(strings.Replace(clusterLab, "policy: on", "cni: calico", 1)), 0)
	if err != nil || !slices.Equal(all(t, routed)[0].Requires, []string{"kubernetes"}) {
		t.Errorf("with routed pods it requires %v, %v", all(t, routed)[0].Requires, err)
	}
	if len(lab.Topology.Links) != 4 || lab.Topology.Links[3].A.Node != "client" {
		t.Errorf("links: %+v", lab.Topology.Links)
	}
	for _, w := range cl.Workers() {
		if lab.Topology.Node(w.Name).Hosts["control"] != cl.Control().Address || w.Pods == "" {
			t.Errorf("%+v", w)
		}
	}
}

func TestBadClusters(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"proxy":    {"policy: on", "proxy: ipvs", `x/lab.yaml:9:10: proxy must be one of nftables, iptables, none, this is "ipvs"`},
		"workers":  {"policy: on", "nodes: 12", "x/lab.yaml:9:10: nodes must be from 1 to 9, this is 12"},
		"file":     {"[web.yaml]", "[../web.yaml]", `x/lab.yaml:10:15: manifests must be a file of the lab's folder that ends in .yaml, such as "web.yaml", this is "../web.yaml"`},
		"missing":  {"[web.yaml]", "[web.yaml, db.yaml]", "x/db.yaml: the file is missing"},
		"both":     {`select: "app=web"`, `select: "app=web", pod: web`, "x/lab.yaml:13:27: a pod is found by its name or by its labels; give pod or select, not both"},
		"twice":    {"name: web,", "name: toolbox,", `x/lab.yaml:13:14: node "toolbox" is there twice; each name names one node`},
		"taken":    {"name: client, kind", "name: node2, kind", `x/lab.yaml:15:12: node "node2" is there twice; each name names one node`},
		"position": {"100/24", "1/24", `x/lab.yaml:17:45: address 192.168.50.1 is on lan/br0 already, in the same layer 2 network`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(clusterFolder(strings.Replace(clusterLab, c.old, c.new, 1)), 0)
			var problems Problems
			if !errors.As(err, &problems) || !strings.Contains(problems.Error(), c.want) {
				t.Errorf("%v\nlacks %s", err, c.want)
			}
		})
	}
	folder := clusterFolder(clusterLab)
	folder["x/web.yaml"].Data = []byte("kind: [\n")
	if _, err := Load(folder, 0); err == nil || !strings.Contains(err.Error(), "x/web.yaml:1:") {
		t.Errorf("a manifest that is no YAML: %v", err)
	}
	folder = clusterFolder(clusterLab)
	folder["x/other.yaml"] = folder["x/web.yaml"]
	if _, err := Load(folder, 0); err == nil || !strings.Contains(err.Error(), "x/other.yaml: is not part of a lab") {
		t.Errorf("a manifest that nobody names: %v", err)
	}
}

func TestClusterIsCompletedOnce(t *testing.T) {
	var topology engine.Topology
	c := engine.Cluster{Nodes: 1, CNI: "none"}
	c.Complete(&topology)
	if got := strings.Join(topology.NodeNames(), " "); got != "control node1 lan" || c.CNI != "none" {
		t.Errorf("%s, %+v", got, c)
	}
}
