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

// nameservers is a node's files with these name servers.
func nameservers(servers ...string) (n Names) {
	for _, server := range servers {
		n.Etc.Resolv = append(n.Etc.Resolv, "nameserver "+server+"\n"...)
	}
	return n
}

func TestNames(t *testing.T) {
	t.Parallel()
	p := newDNSPath(t)
	r := Request{From: p.c, To: "self", Proto: "http", Wait: 10 * time.Second}
	if o := expect(t, r, engine.Unreachable, "could not resolve self: c has no DNS server configured"); !o.Unresolved {
		t.Error("it is not told as a name that does not resolve")
	}
	r.Names = nameservers(serverAddr4)
	if o := expect(t, r, engine.OK, ""); o.Address != serverAddr4 {
		t.Errorf("address %q", o.Address)
	}
	r.Names = nameservers(routerFar, serverAddr4)
	expect(t, r, engine.OK, "")
	r.Names.Etc.Hosts = []byte(routerNear + " self\n")
	expect(t, r, engine.Refused, "RST from "+routerNear)
	r.Names, r.To = nameservers(serverAddr4), "nobody.example"
	expect(t, r, engine.Unreachable, "could not resolve nobody.example: NXDOMAIN from "+serverAddr4)
	r.Names = nameservers(routerFar)
	expect(t, r, engine.Unreachable, "connection refused (ICMP port unreachable from "+routerFar+")")
	firewall(t, p.r, "-A FORWARD -p udp -j DROP")
	r.Names, r.Wait = nameservers(serverAddr4), shortWait
	expect(t, r, engine.Unreachable, "could not resolve nobody.example: no answer from 10.2.0.2 within")
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
			o, err := DNS(t.Context(), DNSRequest{From: p.c, Server: serverAddr4, Name: c.name, Type: c.kind, TCP: tcp, Wait: 10 * time.Second})
			if err != nil || o.Ended != engine.OK || o.Rcode != c.rcode || !reflect.DeepEqual(o.Answers, c.answers) {
				t.Errorf("%s %s tcp=%v: %+v, %v", c.name, c.kind, tcp, o, err)
			}
		}
	}
	for name, want := range map[string]string{"queries.underlay": "8", "web.example.queries.underlay": "2", "x.queries.underlay": "0"} {
		o, err := DNS(t.Context(), DNSRequest{From: p.c, Server: serverAddr4, Name: name, Type: "TXT", Wait: 10 * time.Second})
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
