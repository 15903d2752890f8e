package probe

import (
	"io"
	"strings"
	"testing"
	"time"

	"underlay/engine"
)

// TestSize sends much on a connection, and wants it back from servers of ours.
func TestSize(t *testing.T) {
	t.Parallel()
	smaller := func(t *testing.T, p path) {
		must(t, tool(p.r, "ip", "route", "change", "10.2.0.0/24", "dev", "s", "mtu", "1400"))
	}
	for _, one := range []struct {
		name    string
		prepare func(*testing.T, path)
		size    int
		want    engine.Expect
		tcp     string
		http    string
	}{
		{"whole", nil, 20000, engine.OK, "sent 20000 bytes and got 20000 back (path MTU 1500)", "(path MTU 1500)"},
		{"one packet", nil, 1000, engine.OK, "sent 1000 bytes and got 1000 back", "sent 1000 bytes"},
		{"smaller packets", smaller, 3000, engine.OK, "got 3000 back (path MTU 1400, ", "(path MTU 1400"},
		{"nobody says that packets are too big", func(t *testing.T, p path) {
			smaller(t, p)
			firewall(t, p.r, "-A OUTPUT -p icmp -j DROP")
		}, 3000, engine.Timeout, "of 3000 bytes were not acknowledged within 600 ms", "of 3000 bytes were not acknowledged"},
		{"nobody says that answers are too big", func(t *testing.T, p path) {
			must(t, tool(p.r, "ip", "route", "change", "10.1.0.0/24", "dev", "c", "mtu", "1400"))
			firewall(t, p.s, "-A INPUT -p icmp -j DROP")
		}, 3000, engine.Timeout, "which got 3000 bytes and returned ", "no answer within 600 ms"},
	} {
		t.Run(one.name, func(t *testing.T) {
			t.Parallel()
			p := newPath(t)
			if one.prepare != nil {
				one.prepare(t, p)
			}
			o := expect(t, Request{From: p.c, To: serverAddr4, Proto: "tcp", Port: tcpPort, Size: one.size}, one.want, one.tcp)
			if one.want == engine.OK && (o.Served != "s" || o.SeenAs != clientAddr) {
				t.Errorf("served by %q, seen as %q", o.Served, o.SeenAs)
			}
			o = expect(t, Request{From: p.c, To: serverAddr4, Proto: "http", Size: one.size}, one.want, one.http)
			if one.want == engine.OK && (o.Served != "s" || o.Status != 200 || !strings.Contains(o.Body, `"method":"POST"`)) {
				t.Errorf("served by %q, status %d: %.200s", o.Served, o.Status, o.Body)
			}
		})
	}
}

// TestSizeOfOthers sends much to servers that are not ours and return nothing.
func TestSizeOfOthers(t *testing.T) {
	t.Parallel()
	p := newPath(t)
	listenIn(t, p.s, 9100, func(c io.ReadWriteCloser) { // takes all, and hangs up
		_, _ = io.Copy(io.Discard, c)
		_ = c.Close()
	})
	listenIn(t, p.s, 9101, func(c io.ReadWriteCloser) { // hangs up at once
		_ = c.Close()
	})
	listenIn(t, p.s, 9102, func(c io.ReadWriteCloser) { // takes all, and is silent
		_, _ = io.Copy(io.Discard, c)
		time.AfterFunc(2*time.Second, func() { _ = c.Close() })
	})
	expect(t, Request{From: p.c, To: serverAddr4, Proto: "tcp", Port: 9100, Size: 3000}, engine.OK, "sent 3000 bytes and got 0 back")
	expect(t, Request{From: p.c, To: serverAddr4, Proto: "tcp", Port: 9101, Size: 60000}, engine.Refused, "reset")
	expect(t, Request{From: p.c, To: serverAddr4, Proto: "tcp", Port: 9102, Size: 3000}, engine.OK, "got 0 back")
	expect(t, Request{From: p.c, To: serverAddr4, Proto: "http", Port: 9100, Size: 3000, Wait: shortWait}, engine.Timeout, "no answer")
	for _, size := range []int{-1, engine.MaxSize + 1} {
		if _, err := Do(t.Context(), Request{From: p.c, To: serverAddr4, Proto: "tcp", Port: 9100, Size: size}); err == nil {
			t.Errorf("%d bytes were sent", size)
		}
	}
}
