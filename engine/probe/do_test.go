package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"underlay/engine"
)

// expect makes one attempt and compares how it ended.
func expect(t *testing.T, r Request, want engine.Expect, detail string) Outcome {
	t.Helper()
	o, err := Do(t.Context(), r)
	if err != nil {
		t.Fatalf("%s to %s:%d: %v", r.Proto, r.To, r.Port, err)
	}
	if o.Ended != want || !strings.Contains(o.Detail, detail) {
		t.Errorf("%s to %s:%d: got %s (%s), want %s (… %s …)", r.Proto, r.To, r.Port, o.Ended, o.Detail, want, detail)
	}
	return o
}

const shortWait = 150 * time.Millisecond

func TestOK(t *testing.T) {
	t.Parallel()
	p := newPath(t)
	for _, r := range []Request{
		{Proto: "tcp", Port: tcpPort},
		{Proto: "udp", Port: udpPort},
		{Proto: "http", Port: httpPort},
	} {
		r.From, r.To = p.c, serverAddr4
		o := expect(t, r, engine.OK, serverAddr4)
		if o.SeenAs != clientAddr || o.Served != "s" || o.Address != serverAddr4 {
			t.Errorf("%s: seen as %q, served by %q at %q", r.Proto, o.SeenAs, o.Served, o.Address)
		}
		if o.Body == "" || o.Took <= 0 {
			t.Errorf("%s: body %q, took %v", r.Proto, o.Body, o.Took)
		}
	}
	expect(t, Request{From: p.c, To: serverAddr4, Proto: "icmp"}, engine.OK, "echo reply from "+serverAddr4)
	expect(t, Request{From: p.c, To: serverAddr4, Proto: "tcp", Port: 80, Banner: -1}, engine.OK, "connected")
}

func TestHTTPPathAndHost(t *testing.T) {
	t.Parallel()
	p := newPath(t)
	o := expect(t, Request{From: p.c, To: serverAddr4, Proto: "http", Path: "/a?b=c", Host: "shop.example"}, engine.OK, "HTTP 200")
	for _, want := range []string{`"path":"/a?b=c"`, `"host":"shop.example"`, "s here (10.2.0.2:80)", "GET /a?b=c HTTP/1.1, Host: shop.example"} {
		if !strings.Contains(o.Body, want) {
			t.Errorf("body lacks %s: %s", want, o.Body)
		}
	}
	if o.Status != 200 {
		t.Errorf("status %d", o.Status)
	}
	if _, err := Do(t.Context(), Request{From: p.c, To: serverAddr4, Proto: "http", Path: "/\r\nX: y"}); err == nil {
		t.Error("a path with a line break was sent")
	}
}

func TestHTTPMethodAndHeaders(t *testing.T) {
	t.Parallel()
	p := newPath(t)
	r := Request{From: p.c, To: serverAddr4, Proto: "http", Method: "DELETE", Headers: map[string]string{"x-canary": "1, 2", "user-agent": "curl/8"}}
	o := expect(t, r, engine.OK, "HTTP 200")
	if o.Seen["X-Canary"] != "1, 2" || o.Seen["User-Agent"] != "curl/8" || !strings.Contains(o.Body, `"method":"DELETE"`) {
		t.Errorf("the server got %v: %s", o.Seen, o.Body)
	}
	if _, there := o.Seen["Content-Length"]; there || o.Reply["Server"] != "underlay/s" || o.Reply["Content-Type"] != "application/json" {
		t.Errorf("sent %v, got %v", o.Seen, o.Reply)
	}
	r.Method, r.Size = "PUT", 3000
	if o := expect(t, r, engine.OK, "sent 3000 bytes"); o.Seen["Content-Length"] != "3000" {
		t.Errorf("the server got %v", o.Seen)
	}
	r.Method, r.Size = "HEAD", 0
	if o := expect(t, r, engine.OK, "HTTP 200"); o.Body != "" || o.Reply["Server"] != "underlay/s" || o.Seen != nil {
		t.Errorf("got %v and %q", o.Reply, o.Body)
	}
	for name, value := range map[string]string{"X-A": "1\r\nX-B: 2", "X A": "1", "": "1", "X:": "1"} {
		r.Headers = map[string]string{name: value}
		if _, err := Do(t.Context(), r); err == nil {
			t.Errorf("header %q was sent with value %q", name, value)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	p := newPath(t)
	expect(t, Request{From: p.c, To: serverAddr4, Proto: "tcp", Port: 81}, engine.Refused, "RST from "+serverAddr4)
	expect(t, Request{From: p.c, To: serverAddr4, Proto: "http", Port: 81}, engine.Refused, "RST from "+serverAddr4)
	expect(t, Request{From: p.c, To: serverAddr4, Proto: "udp", Port: 81}, engine.Refused, "ICMP port unreachable from "+serverAddr4)
	expect(t, Request{From: p.c, To: "127.0.0.1", Proto: "tcp", Port: 81}, engine.Refused, "RST from 127.0.0.1")
}

func TestReject(t *testing.T) {
	t.Parallel()
	p := newPath(t)
	for _, by := range []string{"tcp", "udp", "icmp"} {
		firewall(t, p.r, "-A FORWARD -p "+by+" -j REJECT")
	}
	from := "ICMP port unreachable from " + routerNear
	expect(t, Request{From: p.c, To: serverAddr4, Proto: "tcp", Port: 80}, engine.Refused, from)
	expect(t, Request{From: p.c, To: serverAddr4, Proto: "udp", Port: udpPort}, engine.Refused, from)
	expect(t, Request{From: p.c, To: serverAddr4, Proto: "icmp"}, engine.Unreachable, from)
	firewall(t, p.r, "-F FORWARD")
	firewall(t, p.r, "-A FORWARD -p tcp -j REJECT --reject-with tcp-reset")
	expect(t, Request{From: p.c, To: serverAddr4, Proto: "tcp", Port: 80}, engine.Refused, "RST from "+serverAddr4)
	firewall(t, p.r, "-F FORWARD")
	firewall(t, p.r, "-A FORWARD -j REJECT --reject-with icmp-host-prohibited")
	for _, proto := range []string{"tcp", "udp", "http", "icmp"} {
		expect(t, Request{From: p.c, To: serverAddr4, Proto: proto, Port: 80}, engine.Unreachable, "ICMP host prohibited from "+routerNear)
	}
	firewall(t, p.r, "-F FORWARD")
	firewall(t, p.r, "-A FORWARD -j REJECT --reject-with icmp-admin-prohibited")
	expect(t, Request{From: p.c, To: serverAddr4, Proto: "tcp", Port: 80}, engine.Unreachable, "administratively prohibited from "+routerNear)
}

func TestDrop(t *testing.T) {
	t.Parallel()
	p := newPath(t)
	must(t, tool(p.r, "nft", "add table ip f; add chain ip f c { type filter hook forward priority 0; policy drop; }"))
	for _, proto := range []string{"tcp", "udp", "http", "icmp"} {
		r := Request{From: p.c, To: serverAddr4, Proto: proto, Port: udpPort, Wait: shortWait}
		o := expect(t, r, engine.Timeout, "no answer from "+serverAddr4)
		if o.Took < shortWait || o.Took > 10*shortWait {
			t.Errorf("%s: took %v with a wait of %v", proto, o.Took, shortWait)
		}
	}
}

// What the node's own firewall stops is told as what others' would be.
func TestOwnOutput(t *testing.T) {
	t.Parallel()
	p := newPath(t)
	firewall(t, p.c, "-A OUTPUT -d "+serverAddr4+" -j DROP")
	for proto, detail := range map[string]string{"tcp": "no answer", "udp": "own firewall", "icmp": "own firewall"} {
		expect(t, Request{From: p.c, To: serverAddr4, Proto: proto, Port: 80, Wait: shortWait}, engine.Timeout, detail)
	}
	firewall(t, p.c, "-F OUTPUT")
	firewall(t, p.c, "-A OUTPUT -d "+serverAddr4+" -j REJECT")
	for _, proto := range []string{"tcp", "udp"} {
		expect(t, Request{From: p.c, To: serverAddr4, Proto: proto, Port: 80}, engine.Refused, "ICMP port unreachable from "+clientAddr)
	}
	expect(t, Request{From: p.c, To: serverAddr4, Proto: "icmp"}, engine.Unreachable, "ICMP port unreachable from "+clientAddr)
}

func TestNoRoute(t *testing.T) {
	t.Parallel()
	p := newPath(t)
	must(t, tool(p.c, "ip", "route", "del", "default"))
	all := func(detail string) {
		t.Helper()
		for _, proto := range []string{"tcp", "udp", "http", "icmp"} {
			expect(t, Request{From: p.c, To: serverAddr4, Proto: proto, Port: 80}, engine.Unreachable, detail)
		}
	}
	all("c has no route to " + serverAddr4)
	for kind, detail := range map[string]string{"unreachable": "no route to host", "prohibit": "prohibits", "blackhole": "blackhole"} {
		must(t, tool(p.c, "ip", "route", "add", kind, "10.2.0.0/24"))
		all(detail)
		must(t, tool(p.c, "ip", "route", "del", "10.2.0.0/24"))
	}
	// No route at the router: it says so.
	route(t, p.c, "default", routerNear)
	o := expect(t, Request{From: p.c, To: "192.0.2.1", Proto: "tcp", Port: 80}, engine.Unreachable, "ICMP network unreachable from "+routerNear)
	if o.Address != "192.0.2.1" {
		t.Errorf("address %q", o.Address)
	}
}

func TestUnansweredARP(t *testing.T) {
	t.Parallel()
	p := newPath(t)
	// At once and again, in whatever state the neighbour entry is by then.
	for range 2 {
		for _, proto := range []string{"tcp", "udp", "http", "icmp"} {
			r := Request{From: p.c, To: "10.1.0.77", Proto: proto, Port: 80, Wait: shortWait}
			expect(t, r, engine.Unreachable, "no route to host: ARP for 10.1.0.77 was not answered on r")
		}
	}
	// The kernel's own verdict, when the wait is long enough to hear it.
	r := Request{From: p.c, To: "10.1.0.78", Proto: "tcp", Port: 80, Wait: 10 * time.Second}
	if o := expect(t, r, engine.Unreachable, "ARP for 10.1.0.78"); o.Took >= r.Wait {
		t.Errorf("took %v", o.Took)
	}
	// A gateway that is not there.
	must(t, tool(p.c, "ip", "route", "replace", "default", "via", "10.1.0.79"))
	expect(t, Request{From: p.c, To: serverAddr4, Proto: "udp", Port: 80, Wait: shortWait}, engine.Unreachable, "ARP for 10.1.0.79")
}

func TestSNAT(t *testing.T) {
	t.Parallel()
	p := newPath(t)
	firewall(t, p.r, "-t nat -A POSTROUTING -s 10.1.0.0/24 -o s -j MASQUERADE")
	for proto, port := range map[string]int{"tcp": tcpPort, "udp": udpPort, "http": httpPort} {
		o := expect(t, Request{From: p.c, To: serverAddr4, Proto: proto, Port: port}, engine.OK, "")
		if o.SeenAs != routerFar {
			t.Errorf("%s: seen as %q, want %s", proto, o.SeenAs, routerFar)
		}
	}
	// Published on the router: the udp workload must answer from the right address.
	firewall(t, p.r, "-t nat -A PREROUTING -d "+routerNear+" -p udp --dport 5000 -j DNAT --to "+serverAddr4+":9001")
	expect(t, Request{From: p.c, To: routerNear, Proto: "udp", Port: 5000}, engine.OK, "answer from "+routerNear)
}

func TestPingSocket(t *testing.T) {
	t.Parallel()
	p := newPath(t)
	_, err := open(p.c.NS, unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_ICMP)
	if !errors.Is(err, unix.EACCES) {
		t.Fatalf("a fresh namespace's ping sockets: %v, want EACCES", err)
	}
	gid := strconv.Itoa(os.Getgid())
	sysctl(t, p.c, "net/ipv4/ping_group_range", gid+" "+gid)
	s, err := open(p.c.NS, unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_ICMP)
	must(t, err)
	must(t, s.close())
	expect(t, Request{From: p.c, To: serverAddr4, Proto: "icmp"}, engine.OK, "echo reply")
	firewall(t, p.r, "-A FORWARD -j REJECT --reject-with icmp-host-unreachable")
	expect(t, Request{From: p.c, To: serverAddr4, Proto: "icmp"}, engine.Unreachable, "ICMP host unreachable from "+routerNear)
}

// holder returns what keeps connections open, without an answer, until the test ends.
func holder(t *testing.T) func(io.ReadWriteCloser) {
	hold := make(chan io.Closer, 8)
	t.Cleanup(func() {
		close(hold)
		for c := range hold {
			must(t, c.Close())
		}
	})
	return func(c io.ReadWriteCloser) { hold <- c }
}

func TestSilentServer(t *testing.T) {
	t.Parallel()
	p := newPath(t)
	listenIn(t, p.s, silentPort, holder(t))
	r := Request{From: p.c, To: serverAddr4, Port: silentPort, Wait: shortWait}
	r.Proto = "http"
	expect(t, r, engine.Timeout, "connection established")
	r.Proto = "tcp"
	if o := expect(t, r, engine.OK, "connected"); o.Took < DefaultBanner || o.Body != "" {
		t.Errorf("silent server: took %v, body %q", o.Took, o.Body)
	}
}

func TestServersOfOthers(t *testing.T) {
	t.Parallel()
	p := newPath(t)
	hold := holder(t)
	answers := map[int]string{
		9010: "HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nno\n",
		9011: "",
		9012: "SSH-2.0-x\r\n",
		9013: "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
		9015: "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nheld",
		9014: "HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("x", MaxBody+5),
	}
	for port, text := range answers {
		listenIn(t, p.s, port, func(c io.ReadWriteCloser) {
			_, _ = c.Read(make([]byte, 4096))
			_, _ = io.WriteString(c, text) // the probe need not hear all of it
			if strings.HasSuffix(text, "held") {
				hold(c)
				return
			}
			_ = c.Close()
		})
	}
	listenIn(t, p.s, 9016, func(c io.ReadWriteCloser) {
		_ = c.Close() // with the request unread: the kernel resets the connection
	})
	r := Request{From: p.c, To: serverAddr4, Proto: "http", Wait: shortWait}
	for port, want := range map[int]struct {
		ended  engine.Expect
		detail string
		status int
	}{
		9010: {engine.OK, "HTTP 404", 404},
		9011: {engine.Refused, "closed without an answer", 0},
		9012: {engine.OK, "not in HTTP", 0},
		9013: {engine.OK, "broken off after 5 bytes", 200},
		9014: {engine.OK, "HTTP 200", 200},
		9015: {engine.Timeout, "fell silent: 4 bytes", 200},
		9016: {engine.Refused, "connection established", 0},
		9000: {engine.OK, "not in HTTP", 0},
	} {
		r.Port = port
		o := expect(t, r, want.ended, want.detail)
		if o.Status != want.status || len(o.Body) > MaxBody {
			t.Errorf("port %d: status %d, %d bytes", port, o.Status, len(o.Body))
		}
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	p := newPath(t)
	firewall(t, p.r, "-A FORWARD -j DROP")
	for _, proto := range []string{"tcp", "udp", "http", "icmp"} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		o, err := Do(ctx, Request{From: p.c, To: serverAddr4, Proto: proto, Port: 80, Wait: time.Minute})
		if err == nil {
			t.Errorf("%s: ended %s (%s) although the context did", proto, o.Ended, o.Detail)
		}
		cancel()
	}
	null, err := os.Open(os.DevNull)
	must(t, err)
	defer func() { must(t, null.Close()) }()
	for _, ns := range []int{-1, int(null.Fd())} {
		for _, proto := range []string{"tcp", "icmp"} {
			o, err := Do(t.Context(), Request{From: Node{Name: "gone", NS: ns}, To: serverAddr4, Proto: proto, Port: 80})
			if err == nil {
				t.Errorf("a namespace that is not there was probed from: %+v", o)
			}
		}
	}
}

// Twenty pairs of namespaces with the same addresses: only the name that the
// server gives itself tells which one was reached.
func TestNamespacesDoNotMix(t *testing.T) {
	t.Parallel()
	const pairs, rounds = 20, 5
	clients := make([]Node, pairs)
	for i := range pairs {
		c, s := newNode(t, "c"), newNode(t, fmt.Sprintf("s%d", i))
		join(t, c, "10.1.0.2/24", s, "10.1.0.1/24")
		serve(t, s, engine.Workload{Kind: "tcp", Listen: ":9000"})
		serve(t, s, engine.Workload{Kind: "dns", Listen: ":53", Records: map[string][]string{"web": {"10.1.0.1"}}})
		clients[i] = c
	}
	var wg sync.WaitGroup
	for i, c := range clients {
		wg.Go(func() {
			for range rounds {
				o, err := Do(t.Context(), Request{From: c, To: "web", Names: nameservers("10.1.0.1"), Proto: "tcp", Port: 9000, Wait: 5 * time.Second, Banner: 5 * time.Second})
				if err != nil || o.Served != fmt.Sprintf("s%d", i) {
					t.Errorf("from %d: %+v, %v", i, o, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestIPv6(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/sys/net/ipv6"); err != nil {
		t.Skip("this kernel has no IPv6")
	}
	p := newPath(t)
	address1(t, p.c, "r", "fd00:1::2/64")
	address1(t, p.r, "c", "fd00:1::1/64")
	serve(t, p.r, engine.Workload{Kind: "tcp", Listen: ":9000"})
	serve(t, p.r, engine.Workload{Kind: "udp", Listen: ":9001"})
	for proto, port := range map[string]int{"tcp": 9000, "udp": 9001} {
		if o := expect(t, Request{From: p.c, To: "fd00:1::1", Proto: proto, Port: port}, engine.OK, ""); o.SeenAs != "fd00:1::2" {
			t.Errorf("%s: seen as %q", proto, o.SeenAs)
		}
	}
	expect(t, Request{From: p.c, To: "fd00:1::1", Proto: "icmp"}, engine.OK, "echo reply")
	expect(t, Request{From: p.c, To: "fd00:1::1", Proto: "udp", Port: 81}, engine.Refused, "ICMPv6 port unreachable from fd00:1::1")
	expect(t, Request{From: p.c, To: "fd00:2::1", Proto: "tcp", Port: 81}, engine.Unreachable, "no route")
	expect(t, Request{From: p.c, To: "fd00:1::99", Proto: "icmp", Wait: shortWait}, engine.Unreachable, "neighbour solicitation for fd00:1::99")
}

func benchmark(b *testing.B, r Request) {
	p := newPath(b)
	r.From, r.To = p.c, serverAddr4
	for b.Loop() {
		if o, err := Do(b.Context(), r); err != nil || o.Ended != engine.OK || o.SeenAs != clientAddr {
			b.Fatalf("%+v, %v", o, err)
		}
	}
}

func BenchmarkTCP(b *testing.B)  { benchmark(b, Request{Proto: "tcp", Port: tcpPort}) }
func BenchmarkUDP(b *testing.B)  { benchmark(b, Request{Proto: "udp", Port: udpPort}) }
func BenchmarkHTTP(b *testing.B) { benchmark(b, Request{Proto: "http", Port: httpPort}) }
