package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"underlay/engine/companion"
	"underlay/kube/internal/netns"
)

const web = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: http, ports: [{containerPort: 80}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Pod
metadata: {name: toolbox, labels: {app: toolbox}}
spec: {nodeName: node2, containers: [{name: toolbox, image: toolbox}]}
`

const (
	dnsServer = "10.96.0.10:53"
	domain    = ".default.svc.cluster.local"
)

// get asks a web server for its page from a network namespace. A name is looked
// up there as well, at the cluster's DNS.
func get(t testing.TB, space, host string, limit time.Duration) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		return netns.Dial(ctx, netns.Path(space), network, address)
	}
	resolver := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dial(ctx, "udp", dnsServer)
	}}
	address, err := resolver.LookupNetIP(ctx, "ip4", host)
	if err != nil {
		return "", err
	}
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return dial(ctx, network, net.JoinHostPort(address[0].String(), "80"))
	}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+host+"/", nil)
	if err != nil {
		return "", err
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(response.Body)
	return string(text), firstError(err, response.Body.Close())
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// manifest writes a manifest to a file.
func manifest(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "manifest.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A Service of a Deployment answers by its name, with each proxy and on each
// pod network, from the first moment that a lesson would try it.
func TestServiceAnswersByName(t *testing.T) {
	for _, s := range []settings{
		{Proxy: "nftables", CNI: "bridge"}, {Proxy: "iptables", CNI: "bridge"},
		{Proxy: "nftables", CNI: "flannel"}, {Proxy: "nftables", CNI: "calico"},
	} {
		t.Run(s.Proxy+"/"+s.CNI, func(t *testing.T) {
			begin := time.Now()
			s.DNS, s.Policy, s.Manifests = true, true, []string{manifest(t, web)}
			c := open(t, s)
			eventually(t, "the toolbox has a network", func() error {
				_, err := os.Stat(netns.Path("toolbox"))
				return err
			})
			eventually(t, "get the page by name", func() error {
				_, err := get(t, "toolbox", "web"+domain, time.Second)
				return err
			})
			t.Logf("from the start to a page by name: %v", time.Since(begin).Round(time.Millisecond))
			t.Logf("memory of the cluster: %d MiB", memory(t, c.Process.Pid))
			c.must(t, "", "rollout", "status", "deployment/web", "--timeout=60s")
			c.must(t, "", "wait", "--for=condition=Ready", "pod/toolbox", "--timeout=60s")
			out := c.must(t, "", "exec", "toolbox", "--", "curl", "--silent", "--max-time", "5", "http://web/")
			if !strings.Contains(out, "web-") {
				t.Errorf("not the page of a pod of web: %q", out)
			}
			c.reachesEveryPod(t)
			c.measureService(t)
		})
	}
}

// reachesEveryPod asks until every pod of web has answered, so that at least one
// answer is from the other node, and one from the same.
func (c *cluster) reachesEveryPod(t *testing.T) {
	t.Helper()
	pods := strings.Fields(c.must(t, "", "get", "pods", "-l", "app=web", "-o", "jsonpath={.items[*].metadata.name}"))
	seen := map[string]bool{}
	for begin := time.Now(); len(seen) < len(pods); {
		if time.Since(begin) > openLimit {
			t.Fatalf("of %v only %v answered", pods, seen)
		}
		page, err := get(t, "toolbox", "web"+domain, 10*time.Second)
		if err != nil {
			t.Fatalf("get the page: %v", err)
		}
		for _, pod := range pods {
			if strings.Contains(page, pod) {
				seen[pod] = true
			}
		}
	}
}

// measureService logs how long a new Service takes.
func (c *cluster) measureService(t *testing.T) {
	t.Helper()
	c.must(t, `{apiVersion: v1, kind: Service, metadata: {name: late}, spec: {clusterIP: 10.96.0.99, selector: {app: web}, ports: [{port: 80}]}}`,
		"apply", "-f", "-")
	took := eventually(t, "connect to a new Service", func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		conn, err := netns.Dial(ctx, netns.Path("toolbox"), "tcp", "10.96.0.99:80")
		if err != nil {
			return err
		}
		return conn.Close()
	})
	t.Logf("from kubectl apply of a Service to a connection: %v", took.Round(time.Millisecond))
}

// memory is the proportional set size of a process, in MiB.
func memory(t testing.TB, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); fields[0] == "Pss:" {
			kib, err := strconv.Atoi(fields[1])
			if err != nil {
				t.Fatal(err)
			}
			return kib / 1024
		}
	}
	t.Fatal("no Pss in smaps_rollup")
	return 0
}

const pair = `
apiVersion: v1
kind: Pod
metadata: {name: server, labels: {app: server}}
spec: {nodeName: node1, containers: [{name: server, image: http}]}
---
apiVersion: v1
kind: Pod
metadata: {name: near, labels: {app: near}}
spec: {nodeName: node1, containers: [{name: near, image: toolbox}]}
---
apiVersion: v1
kind: Pod
metadata: {name: far, labels: {app: far}}
spec: {nodeName: node2, containers: [{name: far, image: toolbox}]}
`

const onlyFar = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: only-far}
spec:
  podSelector: {matchLabels: {app: server}}
  ingress: [{from: [{podSelector: {matchLabels: {app: far}}}]}]
`

// A policy holds for pods on the same node and on others, on every network.
func TestPolicyHoldsOnEveryNetwork(t *testing.T) {
	for _, cni := range []string{"bridge", "flannel", "calico"} {
		t.Run(cni, func(t *testing.T) {
			c := open(t, settings{Proxy: "nftables", CNI: cni, Policy: true, Manifests: []string{manifest(t, pair)}})
			c.must(t, "", "wait", "--for=condition=Ready", "pod", "--all", "--timeout=60s")
			address := c.must(t, "", "get", "pod", "server", "-o", "jsonpath={.status.podIP}")
			reach := func(from string, limit time.Duration) error {
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				conn, err := netns.Dial(ctx, netns.Path(from), "tcp", net.JoinHostPort(address, "80"))
				if err != nil {
					return err
				}
				return conn.Close()
			}
			for _, from := range []string{"near", "far", "node1", "node2"} {
				if err := reach(from, 5*time.Second); err != nil {
					t.Fatalf("%s does not reach the server before there is a policy: %v", from, err)
				}
			}
			c.must(t, onlyFar, "apply", "-f", "-")
			took := eventually(t, "cut off what is near", func() error {
				if reach("near", 200*time.Millisecond) == nil {
					return fmt.Errorf("it still reaches the server")
				}
				return nil
			})
			t.Logf("from kubectl apply of a policy to dropped packets: %v", (took - 200*time.Millisecond).Round(time.Millisecond))
			for _, from := range []string{"far", "node1"} { // a pod's own node is always allowed
				if err := reach(from, 5*time.Second); err != nil {
					t.Errorf("%s no longer reaches the server: %v", from, err)
				}
			}
			if reach("near", time.Second) == nil {
				t.Error("what is near reaches the server again")
			}
		})
	}
}

// Somebody who kills DNS is told that it was started again, and it answers.
func TestDNSComesBack(t *testing.T) {
	c := open(t, settings{Proxy: "nftables", CNI: "bridge", DNS: true, Manifests: []string{manifest(t, web)}})
	c.must(t, "", "wait", "--for=condition=Ready", "pod/toolbox", "--timeout=60s")
	if err := unix.Kill(processOf(t, "dns", "--corefile"), unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	c.await(t, companion.StepDNS, companion.Restarted)
	eventually(t, "look up a name again", func() error {
		_, err := get(t, "toolbox", "web"+domain, time.Second)
		return err
	})
}

// processOf returns the id of the process with these arguments.
func processOf(t testing.TB, arguments ...string) int {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	want := []byte(strings.Join(arguments, "\x00"))
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		line, err := os.ReadFile(filepath.Join("/proc", entry.Name(), "cmdline"))
		if err == nil && bytes.Contains(line, want) { // it may have ended
			return pid
		}
	}
	t.Fatalf("no process with arguments %v", arguments)
	return 0
}
