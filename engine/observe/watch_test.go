package observe

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/netns"
)

// log collects events.
type log struct {
	mu     sync.Mutex
	events []Event
}

func (l *log) notify(e Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, e)
}

// facets are all that a node's events named so far.
func (l *log) facets(node string) (f Facet) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.events {
		if e.Node == node {
			f |= e.Facets
		}
	}
	return f
}

func (l *log) seen(e Event) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Contains(l.events, e)
}

func (l *log) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = nil
}

// barrier makes a change in n and waits for its event, so that what happened
// before has been delivered.
func (l *log) barrier(t *testing.T, n Node) {
	t.Helper()
	sh(t, n, "ip rule add priority 77 table 77")
	eventually(t, "rule event", func() bool { return l.facets(n.Name)&Rules != 0 })
}

func watch(t *testing.T, what Facet, nodes ...Node) *log {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	l := &log{}
	if _, err := WatchFacets(ctx, nodes, what, l.notify); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestWatchEachKindOfChange(t *testing.T) {
	n, other := newNode(t, "host"), newNode(t, "other")
	pair(t, n, other, "eth0", "10.1.0.1/24", "10.1.0.2/24")
	l := watch(t, All, n, other)
	for _, step := range []struct {
		cmd  string
		want Facet
	}{
		{"ip link add br0 type bridge", Links},
		{"ip link set br0 up", Links | Routes},
		{"ip link set eth0 master br0", Links},
		{"ip addr add 10.2.0.1/24 dev br0", Addrs | Routes},
		{"ip route add 10.9.0.0/16 dev br0", Routes},
		{"ip -6 route add fd09::/64 dev br0", Routes},
		{"ip rule add priority 50 table 50", Rules},
		{"ip neigh add 10.2.0.9 lladdr 02:00:00:00:00:09 dev br0", Neighs},
		{"bridge fdb add 02:00:00:00:00:0b dev eth0 master", FDB},
		{"sysctl -qw net.ipv4.ip_forward=1", Sysctls},
		{"sysctl -qw net.ipv4.conf.eth0.rp_filter=2", Sysctls},
		{"sysctl -qw net.ipv6.conf.all.forwarding=1", Sysctls},
		// One that needs no conntrack, or what the kernel itself sends is tracked from then on.
		{"iptables-nft -A FORWARD -j DROP", Firewall},
		{"nft add table ip t", Firewall},
		{"nft flush ruleset", Firewall},
		{"ip addr flush dev br0", Addrs},
		{"ip link del br0", Links | Sysctls},
	} {
		l.clear()
		sh(t, n, step.cmd)
		eventually(t, step.cmd, func() bool { return l.facets("host")&step.want == step.want })
		if f := l.facets("host"); f&Conntrack != 0 {
			t.Errorf("%q: conntrack events", step.cmd)
		}
	}
}

func TestWatchConntrackApart(t *testing.T) {
	client, server := newNode(t, "client"), newNode(t, "server")
	pair(t, client, server, "eth0", "10.1.0.1/24", "10.1.0.2/24")
	all := watch(t, All, server)
	state := watch(t, All&^Conntrack, server)
	sh(t, server, "iptables-nft -A INPUT -m conntrack --ctstate INVALID -j DROP")
	eventually(t, "rule event", func() bool { return all.facets("server")&Firewall != 0 })
	dialTCP(t, client, server, "10.1.0.2:80", "10.1.0.2:80")
	eventually(t, "conntrack event by itself", func() bool { return all.seen(Event{"server", Conntrack}) })
	state.barrier(t, server)
	all.mu.Lock()
	defer all.mu.Unlock()
	for _, e := range all.events {
		if e.Facets&Conntrack != 0 && e.Facets != Conntrack {
			t.Errorf("mixed event %+v", e)
		}
	}
	if state.facets("server")&Conntrack != 0 {
		t.Error("a watcher that did not ask for conntrack was told of it")
	}
}

// An overrun is provoked with a notify that holds the watcher while more
// changes happen than its buffer holds.
func TestWatchOverrun(t *testing.T) {
	n := newNode(t, "host")
	sh(t, n, "ip link set lo up")
	hold, release := make(chan struct{}), make(chan struct{})
	var first sync.Once
	l := &log{}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	_, err := Watch(ctx, []Node{n}, func(e Event) {
		first.Do(func() { close(hold); <-release })
		l.notify(e)
	})
	if err != nil {
		t.Fatal(err)
	}
	sh(t, n, "ip rule add priority 50 table 50")
	<-hold
	batch := filepath.Join(t.TempDir(), "batch")
	lines := strings.Repeat("route add 10.9.0.0/16 dev lo table 9\nroute del 10.9.0.0/16 dev lo table 9\n", 10000)
	if err := os.WriteFile(batch, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	sh(t, n, "ip -batch "+batch)
	close(release)
	eventually(t, "event with All", func() bool { return l.seen(Event{"host", All}) })
	l.clear()
	sh(t, n, "ip rule add priority 51 table 51")
	eventually(t, "event after the overrun", func() bool { return l.facets("host")&Rules != 0 })
}

// What has been announced before Flush has been told when it returns, each time.
func TestFlush(t *testing.T) {
	n := newNode(t, "host")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	l := &log{}
	w, err := Watch(ctx, []Node{n}, l.notify)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		l.clear()
		err := netns.Do(n.NS, func() error {
			return os.WriteFile("/proc/sys/net/ipv4/conf/lo/rp_filter", []byte(strconv.Itoa(1+i%2)), 0)
		})
		if err != nil {
			t.Fatal(err)
		}
		w.Flush()
		if !l.seen(Event{"host", Sysctls}) {
			t.Fatalf("setting %d: Flush returned before the event was told", i)
		}
	}
	var waiting sync.WaitGroup
	for range 20 {
		waiting.Go(func() {
			for range 50 {
				w.Flush()
			}
		})
	}
	cancel()
	waiting.Wait() // whether the watching has ended by then or not
	w.Flush()
}

func TestWatchEnds(t *testing.T) {
	n := newNode(t, "host")
	before := openDescriptors(t)
	ctx, cancel := context.WithCancel(context.Background())
	l := &log{}
	if _, err := Watch(ctx, []Node{n}, l.notify); err != nil {
		t.Fatal(err)
	}
	if openDescriptors(t) <= before {
		t.Fatal("watching opened nothing")
	}
	cancel()
	eventually(t, "descriptors closed", func() bool { return openDescriptors(t) <= before })

	if _, err := Watch(ctx, []Node{{"closed", -1}}, l.notify); !errors.Is(err, unix.EBADF) {
		t.Errorf("watching a closed descriptor: %v", err)
	}
}

func openDescriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
