package probe

import (
	"testing"
	"time"

	"underlay/engine"
)

// TestVia: a datagram that is handed to a neighbour takes that way, though a route names
// another, and is answered to the node that sent it.
func TestVia(t *testing.T) {
	t.Parallel()
	p := newPath(t)
	route(t, p.c, serverAddr4, "10.1.0.9") // nobody has that address
	r := Request{From: p.c, To: serverAddr4, Proto: "udp", Port: udpPort, Wait: 10 * time.Second}
	for range 2 { // the second time the neighbour is known
		r.Via = routerNear
		if o := expect(t, r, engine.OK, serverAddr4); o.Served != "s" || o.SeenAs != clientAddr {
			t.Errorf("via %s: %+v", r.Via, o)
		}
	}
	r.Via, r.Wait = "10.2.0.2", 50*time.Millisecond
	expect(t, r, engine.Unreachable, "not on a network of c")
	r.Via = "10.1.0.7"
	expect(t, r, engine.Timeout, "")
	r.Via = "nobody"
	if _, err := Do(t.Context(), r); err == nil {
		t.Error("nobody can be gone via")
	}
}
