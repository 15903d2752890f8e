package probe

import (
	"os"
	"strings"
	"testing"
	"time"

	"underlay/engine"
	"underlay/engine/internal/netns"
)

// remembered counts a node's tcp sockets in TIME_WAIT.
func remembered(t *testing.T, n Node) (waiting int) {
	t.Helper()
	must(t, netns.Do(n.NS, func() error {
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
		n := remembered(t, p.c) + remembered(t, p.s)
		if reset && n != 0 {
			t.Errorf("after a reset, %d sockets are in TIME_WAIT", n)
		}
		// The other end closes its side when it comes to that.
		for begun := time.Now(); !reset && n == 0; n = remembered(t, p.c) + remembered(t, p.s) {
			if time.Since(begun) > 10*time.Second {
				t.Fatal("without a reset, no socket is in TIME_WAIT: nothing is proven")
			}
			time.Sleep(time.Millisecond)
		}
	}
}
