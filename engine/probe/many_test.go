package probe

import (
	"os"
	"strings"
	"sync"
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

// TestSharedPort: attempts that share a port are told apart by where they go, and the
// port rests when they are over.
func TestSharedPort(t *testing.T) {
	t.Parallel()
	p := newPath(t)
	shared := &SharedPort{}
	used := map[int]bool{}
	for _, r := range []Request{
		{Proto: "http", Port: httpPort}, {Proto: "tcp", Port: tcpPort}, {Proto: "tcp", Port: 4},
		{Proto: "udp", Port: udpPort}, {Proto: "udp", Port: silentPort},
	} {
		r.From, r.To, r.Wait, r.Reset, r.Shared = p.c, serverAddr4, 10*time.Second, true, shared
		o, err := Do(t.Context(), r)
		must(t, err)
		want := engine.OK
		if r.Port == 4 || r.Port == silentPort {
			want = engine.Refused
		}
		if o.Ended != want {
			t.Errorf("%s %d: %+v", r.Proto, r.Port, o)
		}
		used[o.SPort] = true
	}
	if len(used) != 1 || used[0] {
		t.Errorf("the source ports are %v", used)
	}
	r := Request{From: p.c, To: serverAddr4, Proto: "tcp", Port: tcpPort}
	if o, err := Do(t.Context(), r); err != nil || used[o.SPort] {
		t.Errorf("another attempt is made from the shared port %d: %v", o.SPort, err)
	}
}

// BenchmarkSweep is what many refused attempts from one port cost.
func BenchmarkSweep(b *testing.B) {
	p := newPath(b)
	for b.Loop() {
		shared := &SharedPort{}
		var wg sync.WaitGroup
		for port := range 300 {
			wg.Go(func() {
				o, err := Do(b.Context(), Request{From: p.c, To: serverAddr4, Proto: "tcp", Port: 20000 + port, Banner: -1, Reset: true, Shared: shared})
				if err != nil || o.Ended != engine.Refused {
					b.Errorf("%+v, %v", o, err)
				}
			})
		}
		wg.Wait()
	}
}
