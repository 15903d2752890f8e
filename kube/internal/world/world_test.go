package world

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"underlay/kube/internal/netns"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

// Nodes reach each other, and what is attached to one reaches the other, which
// sees it by its own address where there is a route back.
func TestNodesAreWired(t *testing.T) {
	nodes := Nodes(t, "node1", "node2")
	pod := nodes[0].PodCIDR.Addr().Next().Next()
	Attach(t, nodes[0], "pod", pod)
	listener, err := netns.Listen(netns.Path("pod"), "tcp", net.JoinHostPort(pod.String(), "80"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	greet := make(chan string, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			greet <- err.Error()
			return
		}
		greet <- netip.MustParseAddrPort(conn.RemoteAddr().String()).Addr().String()
		_, _ = io.WriteString(conn, "hello")
		_ = conn.Close()
	}()
	err = netns.Do(netns.Path("node1"), func() error {
		conn, err := net.DialTimeout("tcp", net.JoinHostPort(pod.String(), "80"), 10*time.Second)
		if err != nil {
			return err
		}
		text, err := io.ReadAll(conn)
		if string(text) != "hello" {
			t.Errorf("the pod said %q", text)
		}
		return err
	})
	if err != nil {
		t.Fatalf("the node does not reach its pod: %v", err)
	}
	if from := <-greet; from != nodes[0].Address.String() {
		t.Errorf("the pod saw %s, not its node", from)
	}
	if err := netns.Do(netns.Path("node2"), func() error {
		_, err := net.DialTimeout("tcp", net.JoinHostPort(nodes[0].Address.String(), "1"), 10*time.Second)
		if errors.Is(err, unix.ECONNREFUSED) {
			return nil // so it was reached
		}
		return err
	}); err != nil {
		t.Errorf("nodes do not reach each other: %v", err)
	}
}

// A world has rights inside, and none outside.
func TestWorldOwnsNothingOutside(t *testing.T) {
	if err := os.WriteFile("/etc/underlay-was-here", nil, 0o600); err == nil {
		t.Error("wrote to the machine's /etc")
	}
}
