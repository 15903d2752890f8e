package e2e

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"underlay/engine/companion"
)

const settling = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: http, readinessProbe: {httpGet: {path: /readyz, port: 80}, periodSeconds: 1}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: 10.96.2.1, selector: {app: web}, ports: [{port: 80}]}
`

const closing = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed}
spec: {podSelector: {matchLabels: {app: web}}}
`

// Stuck asks for a pod that may not be made, because its service account is not there.
const stuck = `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: stuck}
spec:
  serviceName: stuck
  selector: {matchLabels: {app: stuck}}
  template:
    metadata: {labels: {app: stuck}}
    spec: {serviceAccountName: nonesuch, containers: [{name: stuck, image: http}]}
`

// A change, after which the cluster is asked whether it has settled and then looked at
// once: what it shows must be what the objects ask for, not what is on its way.
var settlings = []struct {
	name     string
	manifest string
	args     []string // of kubectl
	// Wanted is how many pods answer at the Service's address, and late whether
	// something asked for does not come.
	wanted int
	late   bool
}{
	{"pods are made", settling, []string{"apply", "-f", "-"}, 3, false},
	{"there are to be more", "", []string{"scale", "deployment", "web", "--replicas=5"}, 5, false},
	{"there are to be fewer", "", []string{"scale", "deployment", "web", "--replicas=2"}, 2, false},
	{"pods are replaced one by one", "", []string{"set", "env", "deployment", "web", "ROUND=2"}, 2, false},
	{"pods are replaced at once", "", []string{"patch", "deployment", "web", "-p", `{"spec":{"replicas":3,"strategy":{"type":"Recreate","rollingUpdate":null},"template":{"metadata":{"labels":{"round":"3"}}}}}`}, 3, false},
	{"a pod is deleted", "", []string{"delete", "pod", "-l", "app=web", "--wait=false"}, 3, false},
	{"none is ready any more", "", []string{"patch", "deployment", "web", "-p", `{"spec":{"template":{"spec":{"containers":[{"name":"web","readinessProbe":{"httpGet":{"path":"/readyz","port":81}}}]}}}}`}, 0, false},
	{"all are again", "", []string{"patch", "deployment", "web", "-p", `{"spec":{"template":{"spec":{"containers":[{"name":"web","readinessProbe":{"httpGet":{"path":"/readyz","port":80}}}]}}}}`}, 3, false},
	{"a new image that there is not", "", []string{"patch", "deployment", "web", "-p", `{"spec":{"strategy":{"type":"RollingUpdate"},"template":{"spec":{"containers":[{"name":"web","image":"nonesuch"}]}}}}`}, 3, false},
	{"back again", "", []string{"rollout", "undo", "deployment", "web"}, 3, false},
	{"the Service selects others", "", []string{"patch", "service", "web", "-p", `{"spec":{"selector":{"app":"nobody"}}}`}, 0, false},
	{"and again these", "", []string{"patch", "service", "web", "-p", `{"spec":{"selector":{"app":"web"}}}`}, 3, false},
	{"a policy closes them", closing, []string{"apply", "-f", "-"}, 0, false},
	{"it is gone", "", []string{"delete", "networkpolicy", "closed"}, 3, false},
	{"the Service is gone", "", []string{"delete", "service", "web"}, 0, false},
	{"a pod that nothing makes", stuck, []string{"apply", "-f", "-"}, 0, true},
}

// TestSettled: a cluster that says it has settled does what its objects ask for.
func TestSettled(t *testing.T) {
	for _, mode := range []string{"nftables", "iptables"} {
		t.Run(mode, func(t *testing.T) {
			c := open(t, settings{Proxy: mode, CNI: "bridge", Policy: true})
			c.must(t, "{apiVersion: v1, kind: Pod, metadata: {name: near}, spec: {nodeName: node1, containers: [{name: near, image: toolbox}]}}", "apply", "-f", "-")
			c.must(t, "", "wait", "--for=condition=Ready", "pod/near", "--timeout=60s")
			for _, s := range settlings {
				c.must(t, s.manifest, s.args...)
				began := time.Now()
				out, err := c.kubectl(t, "", "get", "--raw", companion.SettledPath)
				want := companion.Settled
				if s.late {
					want = companion.Late + "StatefulSet default/stuck"
				}
				if err != nil || strings.TrimSpace(out) != want {
					t.Fatalf("%s: it says %q, %v; wanted %q", s.name, out, err, want)
				}
				served := map[string]bool{}
				for range 20 * max(s.wanted, 1) {
					a, err := promise{from: "near", to: "10.96.2.1:80"}.once(t, quiet/4)
					switch {
					case err == nil:
						served[a.Served] = true
					case s.wanted > 0:
						t.Fatalf("%s: a connection failed: %v", s.name, err)
					}
					if s.wanted == 0 {
						break
					}
				}
				if len(served) != s.wanted {
					t.Errorf("%s: %d pods answer (%v), wanted %d", s.name, len(served), slices.Sorted(maps.Keys(served)), s.wanted)
				}
				t.Logf("%s: settled after %v", s.name, time.Since(began).Round(time.Millisecond))
			}
		})
	}
}
