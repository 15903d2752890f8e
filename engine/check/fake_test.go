package check

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"testing"

	"underlay/engine"
	"underlay/engine/observe"
	"underlay/engine/probe"
)

var errWorld = errors.New("the world is gone")

const forward4 = "net.ipv4.ip_forward"

// fake is a World made of literals. It counts what it is asked.
type fake struct {
	mu sync.Mutex

	states   map[string]observe.State
	outcomes map[string]probe.Outcome // "c1 icmp 172.17.0.1" → how it ends
	routes   map[string]RouteDecision // "c1 8.8.8.8" → decision
	answers  map[string]DNSAnswer     // "c1 A web"
	lookups  map[string]probe.Lookup  // "c1 web"
	seen     map[string][]string      // "h1/docker0 icmp" → packets
	silent   bool                     // Capture does not call during
	err      error                    // every call fails
	snapErr  error                    // every snapshot fails

	flows      map[string][]observe.Flow // "h1" → what begins there while attempts are made
	flowsErr   error                     // every look at flows fails
	captureErr error                     // every capture fails
	objects    map[string][]Object       // "service default" → what is there; nil for no cluster

	onProbe   func(f *fake, key string)
	attempts  map[string]int
	snapshots []string       // "c1,h1 3"
	reads     map[string]int // "c1 links"
	capturing bool
	overlap   bool // a probe ran beside a capture
}

func probeWords(r probe.Request) string {
	s := fmt.Sprintf("%s %s %s", r.From.Name, r.Proto, r.To)
	if r.Port != 0 {
		s += fmt.Sprintf(":%d", r.Port)
	}
	return s + r.Path
}

func (f *fake) Snapshot(_ context.Context, nodes []string, what observe.Facet, sysctls []string) (map[string]observe.State, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.snapshots = append(f.snapshots, fmt.Sprint(nodes, what))
	if f.err != nil || f.snapErr != nil {
		return nil, errors.Join(f.err, f.snapErr)
	}
	if nodes == nil {
		nodes = slices.Sorted(maps.Keys(f.states))
	}
	out := map[string]observe.State{}
	for _, name := range nodes {
		st, ok := f.states[name]
		if !ok {
			continue
		}
		got := observe.State{Node: name, Inode: st.Inode, Errs: map[observe.Facet]error{}}
		for facet := observe.Links; facet <= observe.Firewall; facet <<= 1 {
			if what&facet == 0 {
				continue
			}
			f.reads[name+" "+facetWords(facet)]++
			if err := st.Errs[facet]; err != nil {
				got.Errs[facet] = err
				continue
			}
			copyFacet(&got, &st, facet)
		}
		maps.DeleteFunc(got.Sysctls, func(k, _ string) bool { return !slices.Contains(sysctls, k) })
		out[name] = got
	}
	return out, nil
}

func (f *fake) Probe(ctx context.Context, r probe.Request) (probe.Outcome, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := probeWords(r)
	f.attempts[key]++
	f.overlap = f.overlap || f.capturing && ctx.Value(inCapture{}) == nil
	if f.onProbe != nil {
		f.onProbe(f, key)
	}
	if f.err != nil {
		return probe.Outcome{}, f.err
	}
	if _, ok := f.states[r.From.Name]; !ok {
		return probe.Outcome{}, fmt.Errorf("node %s: %w", r.From.Name, engine.ErrNotFound)
	}
	out, ok := f.outcomes[key]
	if !ok {
		return probe.Outcome{}, fmt.Errorf("the test has no outcome for %q", key)
	}
	return out, nil
}

func (f *fake) DNS(_ context.Context, from, server, name, typ string) (DNSAnswer, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := from + " " + typ + " " + name
	f.attempts["dns "+key+prefixIf(" @", server)]++
	return f.answers[key], f.err
}

func (f *fake) Resolve(_ context.Context, r probe.Request) (probe.Lookup, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := r.From.Name + " " + r.To
	f.attempts["resolve "+key]++
	return f.lookups[key], f.err
}

type inCapture struct{}

func (f *fake) Capture(ctx context.Context, node, dev, filter string, during func(context.Context) error) ([]string, error) {
	f.mu.Lock()
	f.capturing = true
	err, silent, seen := errors.Join(f.err, f.captureErr), f.silent, f.seen[node+"/"+dev+" "+filter]
	f.mu.Unlock()
	for range 100 {
		runtime.Gosched() // an attempt that does not wait for the capture gets its chance
	}
	if err == nil && !silent {
		err = during(context.WithValue(ctx, inCapture{}, true))
	}
	f.mu.Lock()
	f.capturing = false
	f.mu.Unlock()
	return seen, err
}

func (f *fake) Flows(ctx context.Context, node string, during func(context.Context) error) ([]observe.Flow, error) {
	err := during(ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.states[node]; !ok {
		return nil, fmt.Errorf("node %s: %w", node, engine.ErrNotFound)
	}
	return f.flows[node], errors.Join(err, f.flowsErr)
}

func (f *fake) Objects(_ context.Context, kind, namespace string) ([]Object, error) {
	if f.objects == nil {
		return nil, errors.New("no cluster")
	}
	return f.objects[kind+" "+namespace], nil
}

func (f *fake) RouteGet(_ context.Context, node, to, _ string) (RouteDecision, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return RouteDecision{}, f.err
	}
	d, ok := f.routes[node+" "+to]
	if !ok {
		return RouteDecision{Unreachable: true}, nil
	}
	return d, nil
}

func (f *fake) count(key string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.attempts[key]
}

// edit changes one node.
func (f *fake) edit(node string, change func(*observe.State)) {
	st := f.states[node]
	change(&st)
	f.states[node] = st
}

// editLink changes one interface of a node.
func (f *fake) editLink(node, name string, change func(*observe.Link)) {
	f.edit(node, func(st *observe.State) {
		st.Links = slices.Clone(st.Links)
		change(findLink(*st, name))
	})
}

func addr(s string) netip.Addr     { return netip.MustParseAddr(s) }
func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

const (
	hostMAC = "02:42:00:00:00:01"
	c1MAC   = "02:42:ac:11:00:02"
)

// newFake is a Docker host h1 with docker0 and two containers on it, and a
// remote machine r1 on eth0's side. All is well in it.
func newFake() *fake {
	lo := observe.Link{Index: 1, Name: "lo", Kind: "loopback", AdminUp: true, Carrier: true}
	return &fake{
		attempts: map[string]int{}, reads: map[string]int{}, seen: map[string][]string{},
		states: map[string]observe.State{
			"h1": {Node: "h1", Inode: 1,
				Links: []observe.Link{lo,
					{Index: 2, Name: "docker0", Kind: "bridge", MAC: hostMAC, MTU: 1500, AdminUp: true, Carrier: true},
					{Index: 3, Name: "veth1", Kind: "veth", AdminUp: true, Carrier: true, Master: "docker0", PeerIndex: 2, PeerNode: "c1", PeerName: "eth0", MTU: 1500},
					{Index: 4, Name: "veth2", Kind: "veth", AdminUp: true, Carrier: true, Master: "docker0", PeerIndex: 2, PeerNode: "c2", PeerName: "eth0", MTU: 1500},
					{Index: 5, Name: "eth0", Kind: "veth", AdminUp: true, Carrier: true, PeerIndex: 2, PeerNode: "r1", PeerName: "eth0", MTU: 1500}},
				Addrs:   []observe.Addr{{Dev: "docker0", Prefix: prefix("172.17.0.1/16")}, {Dev: "eth0", Prefix: prefix("192.168.1.100/24")}},
				Rules:   []observe.Rule{{Priority: 0, Table: 255}, {Priority: 100, From: prefix("10.0.0.0/24"), Table: 100, Mark: 1}, {Priority: 32766, Table: 254}},
				FDB:     []observe.FDBEntry{{Dev: "veth1", Bridge: "docker0", MAC: c1MAC}, {Dev: "vxlan0", MAC: "02:00:00:00:00:09", Dst: addr("10.1.0.2")}},
				Sysctls: map[string]string{forward4: "1", "net.ipv4.ip_local_port_range": "32768\t60999"},
				Firewall: []observe.FirewallRule{
					{Backend: "nft", Table: "nat", Chain: "DOCKER", Hook: "prerouting", Type: "nat", Does: "dnat", To: "172.17.0.2:80", Text: "tcp dport 8080 dnat to 172.17.0.2:80"},
					{Backend: "nft", Table: "nat", Chain: "POSTROUTING", Hook: "postrouting", Type: "nat", Does: "masquerade", Text: "ip saddr 172.17.0.0/16 masquerade"},
					{Backend: "nft", Table: "filter", Chain: "FORWARD", Hook: "forward", Type: "filter", Policy: true, Does: "drop"},
					{Backend: "nft", Table: "filter", Chain: "FORWARD", Hook: "forward", Type: "filter", Does: "accept", Text: "iifname docker0 accept"}},
				Conntrack: []observe.Flow{{Proto: "tcp",
					Orig:  observe.Tuple{Src: addr("192.168.1.7"), Dst: addr("192.168.1.100"), SPort: 4000, DPort: 8080},
					Reply: observe.Tuple{Src: addr("172.17.0.2"), Dst: addr("192.168.1.7"), SPort: 80, DPort: 4000}}}},
			"c1": {Node: "c1", Inode: 2,
				Links:   []observe.Link{lo, {Index: 2, Name: "eth0", Kind: "veth", MAC: c1MAC, MTU: 1500, AdminUp: true, Carrier: true, PeerIndex: 3, PeerNode: "h1", PeerName: "veth1"}},
				Addrs:   []observe.Addr{{Dev: "lo", Prefix: prefix("127.0.0.1/8")}, {Dev: "eth0", Prefix: prefix("172.17.0.2/16")}},
				Routes:  []observe.Route{{To: prefix("0.0.0.0/0"), Via: addr("172.17.0.1"), Dev: "eth0", Table: 254}, {To: prefix("172.17.0.0/16"), Dev: "eth0", Table: 254}},
				Neighs:  []observe.Neigh{{Dev: "eth0", Addr: addr("172.17.0.1"), MAC: hostMAC, State: "stale"}},
				Sockets: []observe.Socket{{Proto: "tcp", Addr: addr("::"), Port: 80}, {Proto: "tcp", Addr: addr("127.0.0.1"), Port: 5432}, {Proto: "udp", Addr: addr("0.0.0.0"), Port: 53}}},
			"c2": {Node: "c2", Inode: 3,
				Links:  []observe.Link{lo, {Index: 2, Name: "eth0", Kind: "veth", MTU: 1500, AdminUp: true, Carrier: true, PeerIndex: 4, PeerNode: "h1", PeerName: "veth2"}},
				Addrs:  []observe.Addr{{Dev: "eth0", Prefix: prefix("172.17.0.3/16")}},
				Routes: []observe.Route{{To: prefix("172.17.0.0/16"), Dev: "eth0", Table: 254}}},
			"r1": {Node: "r1", Inode: 4,
				Links:  []observe.Link{lo, {Index: 2, Name: "eth0", Kind: "veth", MTU: 1500, AdminUp: true, Carrier: true, PeerIndex: 5, PeerNode: "h1", PeerName: "eth0"}},
				Addrs:  []observe.Addr{{Dev: "eth0", Prefix: prefix("192.168.1.7/24")}},
				Routes: []observe.Route{{To: prefix("192.168.1.0/24"), Dev: "eth0", Table: 254}}},
			"alias": {Node: "alias", Inode: 2},
		},
		outcomes: map[string]probe.Outcome{
			"c1 icmp 172.17.0.1":               {Ended: engine.OK},
			"c1 icmp 172.17.0.3":               {Ended: engine.OK},
			"r1 tcp 192.168.1.100:8080":        {Ended: engine.OK, SeenAs: "192.168.1.7", Served: "c1"},
			"c1 tcp 172.17.0.3:81":             {Ended: engine.Refused, Detail: "connection refused (RST from 172.17.0.3)"},
			"c1 http 172.17.0.3:80/":           {Ended: engine.OK, Status: 200, Body: "hello from c2", SeenAs: "172.17.0.2", Served: "c2"},
			"c2 icmp 192.168.1.7":              {Ended: engine.Unreachable, Detail: "no route to host"},
			"c1 udp 172.17.0.3:53":             {Ended: engine.Timeout},
			"c2 tcp 172.17.0.2:5432":           {Ended: engine.Refused},
			"c2 tcp 172.17.0.2:9":              {Ended: engine.Refused},
			"c1 icmp 192.168.1.7":              {Ended: engine.OK},
			"c1 http 172.17.0.3:80/x":          {Ended: engine.OK, Status: 404, Body: "no such page"},
			"c1 tcp nowhere.test:80":           {Ended: engine.Unreachable, Detail: "nowhere.test: no such name"},
			"c1 tcp 2001:db8::1:80":            {Ended: engine.OK},
			"c1 http 172.17.0.3:80/unknowable": {},
		},
		routes: map[string]RouteDecision{
			"c1 172.17.0.1":    {Dev: "eth0", Src: "172.17.0.2"},
			"c1 172.17.0.3":    {Dev: "eth0", Src: "172.17.0.2"},
			"c1 192.168.1.7":   {Via: "172.17.0.1", Dev: "eth0", Src: "172.17.0.2"},
			"c1 8.8.8.8":       {Via: "172.17.0.1", Dev: "eth0", Src: "172.17.0.2"},
			"c2 172.17.0.2":    {Dev: "eth0", Src: "172.17.0.3"},
			"h1 192.168.1.7":   {Dev: "eth0", Src: "192.168.1.100"},
			"h1 172.17.0.2":    {Dev: "docker0", Src: "172.17.0.1"},
			"r1 192.168.1.100": {Dev: "eth0", Src: "192.168.1.7"},
		},
		lookups: map[string]probe.Lookup{
			"c1 web": {Addrs: []netip.Addr{addr("172.18.0.3")}, Asked: []probe.Query{
				{Server: "10.0.0.2", Name: "web.lab", Type: 1, Rcode: "NOERROR"}, {Server: "10.0.0.2", Name: "web.lab", Type: 28, Rcode: "NOERROR"}}},
			"c1 db": {Addrs: []netip.Addr{addr("172.18.0.9")}},
			"c1 api.example": {Addrs: []netip.Addr{addr("203.0.113.7")}, Asked: []probe.Query{
				{Server: "10.0.0.2", Name: "api.example.lab", Type: 1, Rcode: "NXDOMAIN"}, {Server: "10.0.0.2", Name: "api.example.lab", Type: 28},
				{Server: "10.0.0.2", Name: "api.example", Type: 1, Rcode: "NOERROR"}, {Server: "10.0.0.2", Name: "api.example", Type: 28, Rcode: "NOERROR"}}},
			"c1 lost": {Asked: []probe.Query{{Server: "10.0.0.2", Name: "lost", Type: 1}}, Detail: "could not resolve lost: no answer from 10.0.0.2 within 600 ms"},
		},
		answers: map[string]DNSAnswer{
			"c2 A web":  {Detail: "c2 has no name server"},
			"c1 A web":  {Rcode: "NOERROR", Values: []string{"172.18.0.3"}},
			"c1 A nope": {Rcode: "NXDOMAIN"},
			"c1 A lost": {Server: "10.0.0.2", Ended: engine.Timeout, Detail: "no answer from 10.0.0.2 in 600 ms"},
		},
	}
}

// one evaluates a single check in a task of its own and returns its result.
func one(t *testing.T, f World, c engine.Check) engine.TaskResult {
	t.Helper()
	st := New(&engine.Lab{Tasks: []engine.Task{{ID: "t", Goal: "do it", Checks: []engine.Check{c}}}}).Evaluate(context.Background(), f)
	wellSaid(t, st.Tasks[0])
	return st.Tasks[0]
}
