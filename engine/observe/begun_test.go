package observe

import (
	"errors"
	"net"
	"testing"

	"underlay/engine/internal/netns"
)

// TestBegun counts what a program of a node sends, and neither what the node answers nor
// what another node does.
func TestBegun(t *testing.T) {
	n, other := newNode(t, "host"), newNode(t, "other")
	r := mustOpen(t, n, other)
	look := func() map[string]Begun {
		t.Helper()
		got, err := r.Begun()
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	sh(t, n, "ip link set lo up")
	before := look()
	for _, network := range []string{"tcp4", "udp4"} {
		if err := netns.Do(n.NS, func() error {
			conn, err := net.Dial(network, "127.0.0.1:9")
			if err != nil {
				return nil //nolint:nilerr // refused, and sent all the same
			}
			_, err = conn.Write([]byte("hello"))
			return errors.Join(err, conn.Close())
		}); err != nil {
			t.Fatal(err)
		}
	}
	sh(t, n, "ping -c1 -W1 127.0.0.1")
	after := look()
	got := Begun{
		Connections: after["host"].Connections - before["host"].Connections, Datagrams: after["host"].Datagrams - before["host"].Datagrams,
		Unwanted: after["host"].Unwanted - before["host"].Unwanted, Echoes: after["host"].Echoes - before["host"].Echoes,
	}
	if want := (Begun{1, 1, 1, 1}); got != want {
		t.Errorf("it counts %+v, want %+v", got, want)
	}
	if after["other"] != before["other"] {
		t.Errorf("the other node's counters went from %+v to %+v", before["other"], after["other"])
	}
}
