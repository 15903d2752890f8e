package probe

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"underlay/engine"
)

// remembered counts a node's tcp sockets in TIME_WAIT.
func remembered(t *testing.T, n Node) (waiting int) {
	t.Helper()
	must(t, Within(n.NS, func() error {
		text, err := os.ReadFile("/proc/thread-self/net/tcp")
		for line := range strings.Lines(string(text)) {
			if f := strings.Fields(line); len(f) > 3 && f[3] == "06" {
				waiting++
			}
		}
		return err
	}))
	return waiting
}

// TestReset: a connection that is reset is remembered at neither end, and one
// that is not, is.
func TestReset(t *testing.T) {
	t.Parallel()
	p := newPath(t)
	for _, reset := range []bool{true, false} {
		for _, r := range []Request{{Proto: "http", Port: httpPort}, {Proto: "tcp", Port: tcpPort, Banner: 10 * time.Second}} {
			r.From, r.To, r.Wait, r.Reset = p.c, serverAddr4, 10*time.Second, reset
			if o := expect(t, r, engine.OK, serverAddr4); o.Served != "s" || o.SeenAs != clientAddr {
				t.Errorf("%s, reset %v: %+v", r.Proto, reset, o)
			}
		}
		if n := remembered(t, p.c) + remembered(t, p.s); reset && n != 0 {
			t.Errorf("after a reset, %d sockets are in TIME_WAIT", n)
		} else if !reset && n == 0 {
			t.Error("without a reset, no socket is in TIME_WAIT: nothing is proven")
		}
	}
}

// TestSPort: a probe is made from the port that is asked for, again and again,
// and from another one if that is taken.
func TestSPort(t *testing.T) {
	t.Parallel()
	p := newPath(t)
	r := Request{From: p.c, To: serverAddr4, Proto: "http", Port: httpPort, Wait: 10 * time.Second, SPort: 12345, Reset: true}
	peer := fmt.Sprintf(`"peer":"%s:%d"`, clientAddr, r.SPort)
	for range 3 {
		if o := expect(t, r, engine.OK, "HTTP 200"); !strings.Contains(o.Body, peer) {
			t.Errorf("%s is not in %s", peer, o.Body)
		}
	}
	serve(t, p.c, engine.Workload{Kind: "tcp", Listen: fmt.Sprintf(":%d", r.SPort)})
	if o := expect(t, r, engine.OK, "HTTP 200"); strings.Contains(o.Body, peer) {
		t.Errorf("the port was taken, and yet %s is in %s", peer, o.Body)
	}
}
