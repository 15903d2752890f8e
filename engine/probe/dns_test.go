package probe

import (
	"reflect"
	"testing"
	"time"

	"underlay/engine"
)

func newDNSPath(t *testing.T) path {
	t.Helper()
	p := newPath(t)
	serve(t, p.s, engine.Workload{Kind: "dns", Records: map[string][]string{
		"web.example": {serverAddr4, "10.2.0.3"}, "six.example": {"fd00::1"}, "self": {serverAddr4},
	}})
	return p
}

func TestNames(t *testing.T) {
	t.Parallel()
	p := newDNSPath(t)
	r := Request{From: p.c, To: "self", Proto: "http", Wait: shortWait}
	expect(t, r, engine.Unreachable, "could not resolve self: c has no DNS server configured")
	r.DNS = []string{serverAddr4}
	if o := expect(t, r, engine.OK, ""); o.Address != serverAddr4 {
		t.Errorf("address %q", o.Address)
	}
	r.DNS = []string{serverAddr4 + ":81", serverAddr4 + ":53"}
	expect(t, r, engine.OK, "")
	r.Hosts = map[string]string{"self": routerNear}
	expect(t, r, engine.Refused, "RST from "+routerNear)
	r.DNS, r.To = []string{serverAddr4}, "nobody.example"
	expect(t, r, engine.Unreachable, "could not resolve nobody.example: NXDOMAIN from "+serverAddr4)
	r.DNS = []string{serverAddr4 + ":81"}
	expect(t, r, engine.Unreachable, "connection refused (ICMP port unreachable from "+serverAddr4+")")
	firewall(t, p.r, "-A FORWARD -p udp -j DROP")
	r.DNS = []string{serverAddr4}
	expect(t, r, engine.Unreachable, "could not resolve nobody.example: 10.2.0.2: no answer from")
}

func TestDNS(t *testing.T) {
	t.Parallel()
	p := newDNSPath(t)
	for _, c := range []struct {
		name, kind, rcode string
		answers           []string
	}{
		{"WEB.example", "", "NOERROR", []string{serverAddr4, "10.2.0.3"}},
		{"six.example.", "AAAA", "NOERROR", []string{"fd00::1"}},
		{"six.example", "A", "NOERROR", nil},
		{"nobody.example", "A", "NXDOMAIN", nil},
	} {
		for _, tcp := range []bool{false, true} {
			o, err := DNS(t.Context(), DNSRequest{From: p.c, Server: serverAddr4, Name: c.name, Type: c.kind, TCP: tcp})
			if err != nil || o.Ended != engine.OK || o.Rcode != c.rcode || !reflect.DeepEqual(o.Answers, c.answers) {
				t.Errorf("%s %s tcp=%v: %+v, %v", c.name, c.kind, tcp, o, err)
			}
		}
	}
	for name, want := range map[string]string{"queries.underlay": "8", "web.example.queries.underlay": "2", "x.queries.underlay": "0"} {
		o, err := DNS(t.Context(), DNSRequest{From: p.c, Server: serverAddr4, Name: name, Type: "TXT"})
		if err != nil || !reflect.DeepEqual(o.Answers, []string{want}) {
			t.Errorf("%s: %+v, %v, want %s", name, o, err, want)
		}
	}
	o, err := DNS(t.Context(), DNSRequest{From: p.c, Server: serverAddr4 + ":81", Name: "web.example"})
	if err != nil || o.Ended != engine.Refused || o.Rcode != "" {
		t.Errorf("no server: %+v, %v", o, err)
	}
	if _, err := DNS(t.Context(), DNSRequest{From: p.c, Server: serverAddr4, Name: "web", Type: "BOGUS"}); err == nil {
		t.Error("a question of an unknown type was asked")
	}
}

// TestSearchDomains looks names up as a pod's resolver does.
func TestSearchDomains(t *testing.T) {
	t.Parallel()
	c, s := newNode(t, "c"), newNode(t, "s")
	join(t, c, "10.1.0.2/24", s, "10.1.0.1/24")
	serve(t, s, engine.Workload{Kind: "dns", Listen: ":53", Records: map[string][]string{
		"web.default.svc.cluster.local": {"10.96.0.1"},
		"web.other.svc.cluster.local":   {"10.96.0.2"},
		"web.other":                     {"10.96.0.3"},
		"a.b.c":                         {"10.96.0.4"},
	}})
	names := Names{
		DNS: []string{"10.1.0.1"}, Dots: 5,
		Search: []string{"default.svc.cluster.local", "svc.cluster.local", "cluster.local"},
	}
	resolved := func(n Names, name string) string {
		addr, out, err := Resolve(t.Context(), Request{From: c, To: name, Names: n, Wait: 10 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		if out.Ended != engine.OK {
			return out.Detail
		}
		return addr.String()
	}
	few := names
	few.Dots = 1
	for _, x := range []struct {
		names      Names
		name, want string
	}{
		{names, "web", "10.96.0.1"},
		{names, "web.other", "10.96.0.2"},  // web.other.svc.cluster.local is asked for first
		{few, "web.other", "10.96.0.3"},    // as it stands first
		{names, "web.other.", "10.96.0.3"}, // nothing but as it stands
		{names, "a.b.c", "10.96.0.4"},      // last
		{names, "db", "could not resolve db: NXDOMAIN from 10.1.0.1"},
	} {
		if got := resolved(x.names, x.name); got != x.want {
			t.Errorf("%s (ndots %d) is %s, not %s", x.name, x.names.Dots, got, x.want)
		}
	}
}
