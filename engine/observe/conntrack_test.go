package observe

import (
	"errors"
	"net"
	"testing"

	"underlay/engine/internal/netns"
)

// dialTCP connects from a node and keeps the connection for the test.
func dialTCP(t *testing.T, from, to Node, listen, target string) {
	t.Helper()
	err := netns.Do(to.NS, func() error {
		ln, err := net.Listen("tcp", listen)
		if err != nil {
			return err
		}
		closeLater(t, ln)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	err = netns.Do(from.NS, func() error {
		c, err := net.Dial("tcp", target)
		if err != nil {
			return err
		}
		closeLater(t, c)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestConntrack(t *testing.T) {
	client, server := newNode(t, "client"), newNode(t, "server")
	pair(t, client, server, "eth0", "10.1.0.1/24", "10.1.0.2/24")
	sh(t, server, `iptables-nft -t nat -A PREROUTING -p tcp --dport 8080 -j DNAT --to-destination 10.1.0.2:80
iptables-nft -t mangle -A PREROUTING -j CONNMARK --set-mark 9`)
	dialTCP(t, client, server, "10.1.0.2:80", "10.1.0.2:8080")
	sh(t, client, "ping -c 1 -W 2 10.1.0.2")
	states := snapAll(t, []Node{client, server}, Conntrack)
	if len(states[0].Conntrack) != 0 {
		t.Errorf("the client tracks without a rule: %+v", states[0].Conntrack)
	}
	f := has(t, states[1].Conntrack, "tcp flow", func(f Flow) bool { return f.Proto == "tcp" })
	if f.Orig.Src != addr("10.1.0.1") || f.Orig.Dst != addr("10.1.0.2") || f.Orig.DPort != 8080 ||
		f.Reply.Src != addr("10.1.0.2") || f.Reply.Dst != addr("10.1.0.1") || f.Reply.SPort != 80 || f.Reply.DPort != f.Orig.SPort {
		t.Errorf("tuples: %+v", f)
	}
	if f.State != "ESTABLISHED" || !f.Assured || f.Mark != 9 {
		t.Errorf("state: %+v", f)
	}
	has(t, states[1].Conntrack, "ping", func(f Flow) bool {
		return f.Proto == "icmp" && f.State == "" && f.Orig.Src == addr("10.1.0.1") && f.Orig.DPort == 0
	})
}

// Neither listing nor watching makes a namespace track connections.
func TestReadingDoesNotActivateConntrack(t *testing.T) {
	a, b := newNode(t, "a"), newNode(t, "b")
	pair(t, a, b, "eth0", "10.1.0.1/24", "10.1.0.2/24")
	events := watch(t, All, a, b)
	r := mustOpen(t, a, b)
	for range 3 {
		states, err := r.Snapshot(nil, All, []string{"net.netfilter.nf_conntrack_count"})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range states {
			if len(s.Errs) != 0 || len(s.Conntrack) != 0 || s.Sysctls["net.netfilter.nf_conntrack_count"] != "0" {
				t.Fatalf("%s: %v %v %v", s.Node, s.Errs, s.Conntrack, s.Sysctls)
			}
		}
		sh(t, a, "ping -c 1 -W 2 10.1.0.2")
	}
	events.barrier(t, a)
	if events.seen(Event{"b", Conntrack}) {
		t.Error("flows were tracked")
	}
}

// TestBegan: a flow that is refused is over when its attempt is, and was announced all the
// same, with what the rules made of it.
func TestBegan(t *testing.T) {
	client, server := newNode(t, "client"), newNode(t, "server")
	pair(t, client, server, "eth0", "10.1.0.1/24", "10.1.0.2/24")
	call := func(from int) error {
		return netns.Do(client.NS, func() error {
			d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(10, 1, 0, 1), Port: from}}
			c, err := d.Dial("tcp", "10.1.0.2:8080")
			if err == nil {
				return errors.Join(errors.New("somebody answered"), c.Close())
			}
			return nil
		})
	}
	once := func() error { return call(0) }
	if flows, err := Began(server, once); err != nil || len(flows) != 0 {
		t.Errorf("without a rule: %+v, %v", flows, err)
	}
	sh(t, server, `iptables-nft -t nat -A PREROUTING -p tcp --dport 8080 -j DNAT --to-destination 10.1.0.2:81`)
	flows, err := Began(server, once)
	if err != nil {
		t.Fatal(err)
	}
	f := has(t, flows, "tcp flow", func(f Flow) bool { return f.Proto == "tcp" })
	if f.Orig.Dst != addr("10.1.0.2") || f.Orig.DPort != 8080 || f.Reply.SPort != 81 || f.Reply.DPort != f.Orig.SPort {
		t.Errorf("tuples: %+v", f)
	}
	if left := snapAll(t, []Node{server}, Conntrack)[0].Conntrack; len(left) != 0 {
		t.Errorf("still listed, so nothing is shown: %+v", left)
	}
	// More of them than the socket of an ordinary user has room for. They are told apart by
	// their source ports. The kernel's choice of these does not repeat within so many
	// connections, but where other namespaces connect to the same address meanwhile: the
	// counter behind it is theirs, too.
	const many = 2000
	flows, err = Began(server, func() error {
		for i := range many {
			if err := call(20000 + i); err != nil {
				return err
			}
		}
		return nil
	})
	ports := map[int]bool{}
	for _, f := range flows {
		ports[f.Orig.SPort] = true
	}
	if err != nil || len(ports) != many {
		t.Errorf("heard of %d flows, want %d: %v", len(ports), many, err)
	}
	failed := errors.New("failed")
	if _, err := Began(server, func() error { return failed }); !errors.Is(err, failed) {
		t.Errorf("got %v", err)
	}
}
