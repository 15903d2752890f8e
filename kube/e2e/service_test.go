package e2e

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"underlay/kube/internal/netns"
)

// serve serves HTTP on an address in a network namespace. Each answer is the
// server's name.
func serve(t testing.TB, space, address string) {
	t.Helper()
	listener, err := netns.Listen(netns.Path(space), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, space) // the client sees it
	})}
	go func() { _ = server.Serve(listener) }() // ends by Close
	t.Cleanup(func() { _ = server.Close() })
}

// A Service without a selector, whose endpoints are servers on the nodes, needs
// nothing but the API server, controllers and proxies.
func TestServiceOnNodes(t *testing.T) {
	for _, mode := range []string{"nftables", "iptables"} {
		t.Run(mode, func(t *testing.T) {
			c := open(t, settings{Proxy: mode, CNI: "none"})
			const port = "8080"
			for _, node := range c.Nodes {
				serve(t, node.Name, net.JoinHostPort(node.Address.String(), port))
			}
			c.must(t, fmt.Sprintf(`
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: 10.96.0.80, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{port: 8080, protocol: TCP}]
endpoints: [{addresses: [%s]}, {addresses: [%s]}]
`, c.Nodes[0].Address, c.Nodes[1].Address), "apply", "-f", "-")
			took := eventually(t, "connect to the ClusterIP", func() error {
				_, err := connect("node1", "10.96.0.80", time.Second)
				return err
			})
			t.Logf("from kubectl's end to a connection: %v", took.Round(time.Millisecond))
			answers := map[string]bool{}
			for len(answers) < len(c.Nodes) {
				answer, err := connect("node2", "10.96.0.80", time.Second)
				if err != nil {
					t.Fatalf("connect to the ClusterIP: %v: %s", err, answer)
				}
				answers[answer] = true
			}
		})
	}
}

// A Service without endpoints refuses connections, rather than letting them
// time out.
func TestServiceWithoutEndpointsRefuses(t *testing.T) {
	c := open(t, settings{Proxy: "nftables", CNI: "none"})
	c.must(t, `
apiVersion: v1
kind: Service
metadata: {name: nobody}
spec: {clusterIP: 10.96.0.81, selector: {app: nobody}, ports: [{port: 80}]}
`, "apply", "-f", "-")
	eventually(t, "be refused", func() error {
		out, err := connect("node1", "10.96.0.81", time.Second)
		if err == nil {
			t.Fatalf("somebody answered: %s", out)
		}
		if !strings.Contains(out, "refused") && !strings.Contains(out, "Couldn't connect") {
			return fmt.Errorf("not refused but: %s", out)
		}
		return nil
	})
}

// What is wrong with a manifest is said by the API server.
func TestInvalidManifestGetsServersMessage(t *testing.T) {
	c := open(t, settings{Proxy: "none", CNI: "none"})
	out, err := c.kubectl(t, `
apiVersion: v1
kind: Service
metadata: {name: Web_1}
spec: {ports: [{port: 70000}]}
`, "apply", "-f", "-")
	if err == nil {
		t.Fatalf("it was accepted: %s", out)
	}
	for _, want := range []string{`The Service "Web_1" is invalid`, "metadata.name: Invalid value", "spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in: %s", want, out)
		}
	}
}

// The API server can be reached in the control node's network namespace and
// through the network that it is on, and nowhere else.
func TestServerListensInControlNamespaceOnly(t *testing.T) {
	open(t, settings{Proxy: "none", CNI: "none"})
	for space, want := range map[string]bool{"control": true, "node1": true} {
		err := netns.Do(netns.Path(space), func() error {
			conn, err := net.DialTimeout("tcp", "192.168.50.10:6443", time.Second)
			if err == nil {
				err = conn.Close()
			}
			return err
		})
		if (err == nil) != want {
			t.Errorf("from %s: %v", space, err)
		}
	}
	if conn, err := net.DialTimeout("tcp", "192.168.50.10:6443", time.Second); err == nil {
		t.Errorf("it was reached from outside of the cluster's network: %v", conn.Close())
	}
}
