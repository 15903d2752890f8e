package check

import (
	"encoding/json"
	"strings"
	"testing"

	"underlay/engine"
)

const services = `[
 {"metadata": {"name": "web", "labels": {"app": "web", "kubernetes.io/name": "x"}}, "spec": {"type": "NodePort", "clusterIP": "10.96.3.4", "ports": [{"port": 80, "nodePort": 30080}], "publish": false}},
 {"metadata": {"name": "db", "labels": {"app": "db"}}, "spec": {"clusterIP": "None", "ports": []}}
]`

func listed(t testing.TB) map[string][]Object {
	var list []Object
	if err := json.Unmarshal([]byte(services), &list); err != nil {
		t.Fatal(err)
	}
	return map[string][]Object{"service default": list}
}

func objectRows() []row {
	web := engine.Check{Object: &engine.ObjectCheck{Kind: "service", Name: "web", Fields: []engine.ObjectField{{Path: "spec.type", Is: "NodePort"}, {Path: "spec.clusterIP"}}}}
	with := func(typ string) func(*fake) {
		return func(w *fake) {
			w.objects = map[string][]Object{"service default": {{
				"metadata": map[string]any{"name": "web"}, "spec": map[string]any{"type": typ, "clusterIP": "10.96.3.4"},
			}}}
		}
	}
	const want = "there is a service web whose spec.type is NodePort, and spec.clusterIP is set"
	return []row{
		{"object", web, with("NodePort"), engine.Pass, want, "service web: spec.type is NodePort, spec.clusterIP is 10.96.3.4", ""},
		{"object differs", web, with("ClusterIP"), engine.Fail, want, "service web: spec.type is ClusterIP", ""},
		{"object without a cluster", web, nil, engine.Broken, want, "", "Could not list the cluster's objects of kind service: no cluster."},
	}
}

func TestObject(t *testing.T) {
	field := func(path, is string) []engine.ObjectField { return []engine.ObjectField{{Path: path, Is: is}} }
	for _, c := range []struct {
		name  string
		check engine.ObjectCheck
		state engine.State
		got   string
	}{
		{"any", engine.ObjectCheck{Kind: "service"}, engine.Pass, "service web"},
		{"by name", engine.ObjectCheck{Kind: "service", Name: "db"}, engine.Pass, "service db"},
		{"not there", engine.ObjectCheck{Kind: "service", Name: "cache"}, engine.Fail, "there is no service cache"},
		{"other namespace", engine.ObjectCheck{Kind: "service", Name: "web", Namespace: "team"}, engine.Fail, "there is no service web in team"},
		{"labels", engine.ObjectCheck{Kind: "service", Select: "app=web"}, engine.Pass, "service web"},
		{"label with dots", engine.ObjectCheck{Kind: "service", Select: "app=web, kubernetes.io/name=x"}, engine.Pass, "service web"},
		{"no such labels", engine.ObjectCheck{Kind: "service", Select: "app=web,tier=front"}, engine.Fail, "there is no service with app=web,tier=front"},
		{"text", engine.ObjectCheck{Kind: "service", Name: "web", Fields: field("spec.type", "NodePort")}, engine.Pass, "service web: spec.type is NodePort"},
		{"number in a list", engine.ObjectCheck{Kind: "service", Fields: field("spec.ports.0.nodePort", "30080")}, engine.Pass, "service web: spec.ports.0.nodePort is 30080"},
		{"any of them", engine.ObjectCheck{Kind: "service", Fields: field("spec.clusterIP", "None")}, engine.Pass, "service db: spec.clusterIP is None"},
		{"false is a value", engine.ObjectCheck{Kind: "service", Name: "web", Fields: field("spec.publish", "false")}, engine.Pass, "service web: spec.publish is false"},
		{"differs", engine.ObjectCheck{Kind: "service", Name: "web", Fields: field("spec.type", "ClusterIP")}, engine.Fail, "service web: spec.type is NodePort"},
		{"no field", engine.ObjectCheck{Kind: "service", Name: "db", Fields: field("spec.ports.0.port", "")}, engine.Fail, "service db has no spec.ports.0.port"},
		{"beyond a value", engine.ObjectCheck{Kind: "service", Name: "db", Fields: field("spec.clusterIP.x", "")}, engine.Fail, "service db has no spec.clusterIP.x"},
		{"key with dots", engine.ObjectCheck{Kind: "service", Name: "web", Fields: field("metadata.labels.kubernetes.io/name", "x")}, engine.Pass, "service web: metadata.labels.kubernetes.io/name is x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &fake{objects: listed(t)}
			lab := &engine.Lab{Tasks: []engine.Task{{ID: "t", Checks: []engine.Check{{Object: &c.check}}}}}
			r := New(lab).Evaluate(t.Context(), w).Tasks[0]
			wellSaid(t, r)
			if r.State != c.state || r.Got != c.got {
				t.Errorf("%s: %q, not %s: %q", r.State, r.Got, c.state, c.got)
			}
			if !strings.HasPrefix(r.Want, "there is a service") {
				t.Errorf("wanted: %q", r.Want)
			}
			if r = New(lab).Evaluate(t.Context(), &fake{}).Tasks[0]; r.State != engine.Broken {
				t.Errorf("without a cluster it is %s", r.State)
			}
		})
	}
}
