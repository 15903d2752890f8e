package probe

import (
	"context"
	"strings"
	"testing"
	"time"

	"underlay/engine"
)

func capture(t *testing.T, n Node, dev, words string) *Capturing {
	t.Helper()
	f, err := ParseFilter(words)
	must(t, err)
	if f.String() != words {
		t.Errorf("filter %q reads back as %q", words, f)
	}
	c, err := Capture(t.Context(), n, dev, f)
	must(t, err)
	t.Cleanup(func() {
		c.Stop()
		if c.Err() != nil || c.Lost() != 0 {
			t.Errorf("capture %q: %v, %d packets lost", words, c.Err(), c.Lost())
		}
	})
	return c
}

func TestCaptureSees(t *testing.T) {
	t.Parallel()
	p := newPath(t)
	syn := capture(t, p.r, "c", "tcp src 10.1.0.2 dst 10.2.0.2 dport 80")
	replies := capture(t, p.r, "any", "tcp src 10.2.0.2 sport 80")
	nothing := capture(t, p.r, "s", "tcp dport 81")
	arp := capture(t, p.c, "", "arp dst 10.1.0.1")
	token := capture(t, p.s, "r", "tcp dport 80 contains secret-token")
	must(t, tool(p.c, "ip", "neigh", "flush", "all"))
	expect(t, Request{From: p.c, To: serverAddr4, Proto: "http", Path: "/secret-token"}, engine.OK, "")

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	first, ok := syn.Wait(ctx)
	if !ok || first.Info != "SYN" || first.DPort != 80 || first.Dev != "c" || first.Outgoing || time.Since(first.Time) > time.Minute {
		t.Errorf("first packet: %v, %+v", ok, first)
	}
	if second, ok := syn.Wait(ctx); !ok || second.Info == "SYN" {
		t.Errorf("second packet: %v, %v", ok, second)
	}
	if text := first.String(); !strings.Contains(text, "c in 10.1.0.2:") || !strings.Contains(text, "→ 10.2.0.2:80 tcp SYN, ") || strings.Contains(text, "\n") {
		t.Errorf("as a line: %q", text)
	}
	in, out := 0, 0
	for _, packet := range replies.Stop() {
		if packet.Dev == "s" && !packet.Outgoing {
			in++
		}
		if packet.Dev == "c" && packet.Outgoing {
			out++
		}
	}
	if in == 0 || in != out {
		t.Errorf("%d replies came in from s, %d left to c", in, out)
	}
	if got := nothing.Stop(); len(got) != 0 {
		t.Errorf("saw what was not there: %v", got)
	}
	if got := arp.Stop(); len(got) == 0 || got[0].Proto != "arp" || got[0].Src != addrOf(t, clientAddr) {
		t.Errorf("ARP: %v", got)
	}
	if got := token.Stop(); len(got) != 1 {
		t.Errorf("packets with the token: %v", got)
	}
	if _, ok := nothing.Wait(ctx); ok {
		t.Error("a stopped capture still waits for packets")
	}
}

func TestCaptureVXLAN(t *testing.T) {
	t.Parallel()
	p := newPath(t)
	for _, end := range []struct {
		n                         Node
		local, remote, dev, inner string
	}{{p.c, clientAddr, serverAddr4, "r", "10.9.0.2/24"}, {p.s, serverAddr4, clientAddr, "r", "10.9.0.3/24"}} {
		must(t, tool(end.n, "ip", "link", "add", "vx", "type", "vxlan", "id", "42", "dstport", "8472", "local", end.local, "remote", end.remote, "dev", end.dev))
		address1(t, end.n, "vx", end.inner)
	}
	right := capture(t, p.r, "c", "udp src 10.1.0.2 dst 10.2.0.2 dport 8472 vni 42 inner icmp src 10.9.0.2 dst 10.9.0.3")
	wrong := capture(t, p.r, "c", "udp vni 43")
	bare := capture(t, p.r, "c", "icmp src 10.9.0.2")
	expect(t, Request{From: p.c, To: "10.9.0.3", Proto: "icmp"}, engine.OK, "")
	got := right.Stop()
	if len(got) != 1 || got[0].VNI != 42 || got[0].Inner.Proto != "icmp" || got[0].Len != got[0].Inner.Len+50 {
		t.Errorf("encapsulated: %v", got)
	}
	if got := append(wrong.Stop(), bare.Stop()...); len(got) != 0 {
		t.Errorf("saw what was not there: %v", got)
	}
}

func TestCaptureErrors(t *testing.T) {
	t.Parallel()
	n := newNode(t, "n")
	if _, err := Capture(t.Context(), n, "eth9", Filter{}); err == nil {
		t.Error("an interface that is not there was watched")
	}
	ctx, cancel := context.WithCancel(t.Context())
	c, err := Capture(ctx, n, "any", Filter{})
	must(t, err)
	cancel()
	if p, ok := c.Wait(t.Context()); ok {
		t.Errorf("saw %v", p)
	}
	must(t, c.Err())
}

func TestParseFilter(t *testing.T) {
	t.Parallel()
	f, err := ParseFilter("tcp and dport 80 and src 172.17.0.2")
	if err != nil || f.Proto != "tcp" || f.DPort != 80 || f.Src != addrOf(t, "172.17.0.2") {
		t.Errorf("%+v, %v", f, err)
	}
	for bad, why := range map[string]string{
		"tcp udp": "both", "dport": "of what", "dport 70000": "65535", "src web": "parse", "port 80": "unknown word", "inner vni x": "16777215",
	} {
		if _, err := ParseFilter(bad); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %v, want … %s …", bad, err, why)
		}
	}
}
