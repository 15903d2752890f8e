package workload

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"

	"underlay/engine"
	"underlay/engine/workload/server"
)

// workloadEnv makes the test binary a workload instead.
const workloadEnv = "UNDERLAY_TEST_WORKLOAD"

// patience is how long a test waits for what should come at once.
const patience = time.Minute

func TestMain(m *testing.M) {
	if os.Getenv(workloadEnv) != "" {
		os.Exit(Main(os.Args[1:]))
	}
	os.Exit(m.Run())
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// command is a workload process that has not been started.
func command(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), workloadEnv+"=1")
	return cmd
}

// start runs a workload process and waits until it listens.
func start(t testing.TB, w engine.Workload) *exec.Cmd {
	t.Helper()
	ready, child, err := os.Pipe()
	must(t, err)
	defer func() { must(t, ready.Close()) }()
	cmd := command(t, Args(w, 3)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.ExtraFiles = []*os.File{child}
	must(t, errors.Join(cmd.Start(), child.Close()))
	t.Cleanup(func() {
		must(t, cmd.Process.Signal(unix.SIGTERM))
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s after SIGTERM: %v: %s", w.Kind, err, &stderr)
		}
	})
	if b, err := io.ReadAll(ready); err != nil || len(b) != 1 {
		t.Fatalf("%s workload: ready with %q, %v: %s", w.Kind, b, err, &stderr)
	}
	return cmd
}

// freePort is a port that nobody listens on, neither by TCP nor by UDP.
func freePort(t testing.TB) int {
	t.Helper()
	for range 20 {
		ln, err := net.Listen("tcp", ":0")
		must(t, err)
		port := ln.Addr().(*net.TCPAddr).Port
		pc, err := net.ListenPacket("udp", ":"+strconv.Itoa(port))
		if err == nil {
			must(t, pc.Close())
		}
		must(t, ln.Close())
		if err == nil {
			return port
		}
	}
	t.Fatal("no port free for both TCP and UDP")
	return 0
}

// hosts are the loopback addresses that this machine has.
func hosts(t *testing.T) []string {
	t.Helper()
	if ln, err := net.Listen("tcp6", "[::1]:0"); err == nil {
		must(t, ln.Close())
		return []string{"127.0.0.1", "127.0.0.9", "::1"}
	}
	return []string{"127.0.0.1", "127.0.0.9"}
}

func dial(t *testing.T, network, host string, port int) net.Conn {
	t.Helper()
	c, err := net.DialTimeout(network, net.JoinHostPort(host, strconv.Itoa(port)), patience)
	must(t, err)
	must(t, c.SetDeadline(time.Now().Add(patience)))
	t.Cleanup(func() { must(t, c.Close()) })
	return c
}

func TestHTTP(t *testing.T) {
	port := freePort(t)
	start(t, engine.Workload{Kind: "http", Name: "web", Listen: ":" + strconv.Itoa(port)})
	for _, host := range hosts(t) {
		to := net.JoinHostPort(host, strconv.Itoa(port))
		c := dial(t, "tcp", host, port)
		_, err := io.WriteString(c, "GET /x?y=<z> HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n")
		must(t, err)
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		must(t, err)
		body, err := io.ReadAll(resp.Body)
		must(t, errors.Join(err, resp.Body.Close()))
		want := fmt.Sprintf("web here (%s)\nyou are %s\nGET /x?y=<z> HTTP/1.1, Host: shop.example\n", to, c.LocalAddr())
		if string(body) != want {
			t.Errorf("got %q, want %q", body, want)
		}

		c = dial(t, "tcp", host, port)
		_, err = io.WriteString(c, "GET /x HTTP/1.1\r\nHost: h\r\nAccept: application/json\r\n\r\nGET /whoami HTTP/1.1\r\nHost: h\r\nX-Real-Ip: 10.0.0.1\r\nx-real-ip: 10.0.0.2\r\n\r\n")
		must(t, err)
		in := bufio.NewReader(c)
		for _, asked := range []struct {
			path    string
			headers map[string]string
		}{{"/x", map[string]string{"Accept": "application/json"}}, {"/whoami", map[string]string{"X-Real-Ip": "10.0.0.1, 10.0.0.2"}}} {
			resp, err := http.ReadResponse(in, nil)
			must(t, err)
			var got server.Whoami
			must(t, json.NewDecoder(resp.Body).Decode(&got))
			must(t, resp.Body.Close())
			got.Text = ""
			want := server.Whoami{Served: "web", Local: to, Peer: c.LocalAddr().String(), Method: "GET", Path: asked.path, Host: "h", Headers: asked.headers}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, want %+v", got, want)
			}
		}
	}
}

func TestTCP(t *testing.T) {
	port := freePort(t)
	start(t, engine.Workload{Kind: "tcp", Node: "db", Listen: ":" + strconv.Itoa(port)})
	for _, host := range hosts(t) {
		c := dial(t, "tcp", host, port)
		in := bufio.NewReader(c)
		for i, want := range []string{fmt.Sprintf("db sees %s\n", c.LocalAddr()), "one\n", "two\n"} {
			if i > 0 {
				_, err := io.WriteString(c, want)
				must(t, err)
			}
			if line, err := in.ReadString('\n'); err != nil || line != want {
				t.Errorf("got %q, %v, want %q", line, err, want)
			}
		}
	}
}

// A connected client only hears an answer that comes from where it sent to.
func TestUDP(t *testing.T) {
	port := freePort(t)
	start(t, engine.Workload{Kind: "udp", Name: "log", Listen: ":" + strconv.Itoa(port)})
	for _, host := range hosts(t) {
		c := dial(t, "udp", host, port)
		for _, payload := range []string{"hello\n", ""} {
			must(t, func() error { _, err := io.WriteString(c, payload); return err }())
			buf := make([]byte, 1000)
			n, err := c.Read(buf)
			if want := fmt.Sprintf("log sees %s\n%s", c.LocalAddr(), payload); err != nil || string(buf[:n]) != want {
				t.Errorf("got %q, %v, want %q", buf[:n], err, want)
			}
		}
	}
}

func TestDNS(t *testing.T) {
	port := freePort(t)
	start(t, engine.Workload{Kind: "dns", Listen: ":" + strconv.Itoa(port), Records: map[string][]string{
		"Web.example": {"10.0.0.2", "10.0.0.3"}, "six": {"fd00::1"},
		"www.example": {"CNAME web.example"}, "far.example": {"CNAME elsewhere.example"}, "loop": {"CNAME loop"},
		"_http._tcp.example": {"SRV 0 5 80 web.example.", "SRV 10 5 81 six."}, "2.0.0.10.in-addr.arpa": {"PTR web.example."},
		"text": {`TXT "one two"`}, "*.wild": {"10.0.0.9"}, "broken": {"SERVFAIL"}, "*.refused": {"REFUSED"},
	}})
	ask := func(network, host, name string, qtype, class uint16) (string, []string) {
		t.Helper()
		q := new(dns.Msg)
		q.SetQuestion(dns.Fqdn(name), qtype)
		q.Question[0].Qclass = class
		c := dns.Client{Net: network, Timeout: patience}
		m, _, err := c.Exchange(q, net.JoinHostPort(host, strconv.Itoa(port)))
		must(t, err)
		var data []string
		for _, rr := range m.Answer {
			data = append(data, strings.TrimPrefix(rr.String(), rr.Header().String()))
		}
		return dns.RcodeToString[m.Rcode], data
	}
	const questions = 15 // of the table below
	asked := 0
	for _, host := range hosts(t) {
		for _, network := range []string{"udp", "tcp"} {
			for _, c := range []struct {
				name  string
				qtype uint16
				rcode string
				data  []string
			}{
				{"wEb.example", dns.TypeA, "NOERROR", []string{"10.0.0.2", "10.0.0.3"}},
				{"web.example", dns.TypeAAAA, "NOERROR", nil},
				{"web.example", dns.TypeMX, "NOERROR", nil},
				{"six", dns.TypeAAAA, "NOERROR", []string{"fd00::1"}},
				{"nobody.example", dns.TypeA, "NXDOMAIN", nil},
				{"www.example", dns.TypeA, "NOERROR", []string{"web.example.", "10.0.0.2", "10.0.0.3"}},
				{"www.example", dns.TypeCNAME, "NOERROR", []string{"web.example."}},
				{"far.example", dns.TypeA, "NXDOMAIN", []string{"elsewhere.example."}},
				{"_http._tcp.example", dns.TypeSRV, "NOERROR", []string{"0 5 80 web.example.", "10 5 81 six."}},
				{"2.0.0.10.in-addr.arpa", dns.TypePTR, "NOERROR", []string{"web.example."}},
				{"text", dns.TypeTXT, "NOERROR", []string{`"one two"`}},
				{"a.b.wild", dns.TypeA, "NOERROR", []string{"10.0.0.9"}},
				{"wild", dns.TypeA, "NXDOMAIN", nil},
				{"broken", dns.TypeA, "SERVFAIL", nil},
				{"x.refused", dns.TypeAAAA, "REFUSED", nil},
			} {
				rcode, data := ask(network, host, c.name, c.qtype, dns.ClassINET)
				asked++
				if rcode != c.rcode || !reflect.DeepEqual(data, c.data) {
					t.Errorf("%s %s %d: got %s %v, want %s %v", network, c.name, c.qtype, rcode, data, c.rcode, c.data)
				}
			}
		}
	}
	for _, class := range []uint16{dns.ClassINET, dns.ClassCHAOS} {
		if rcode, data := ask("udp", "127.0.0.1", Counter, dns.TypeTXT, class); rcode != "NOERROR" || !reflect.DeepEqual(data, []string{strconv.Quote(strconv.Itoa(asked))}) {
			t.Errorf("class %d: counted %s %v, want %d", class, rcode, data, asked)
		}
	}
	if _, data := ask("udp", "127.0.0.1", "SIX."+Counter, dns.TypeTXT, dns.ClassINET); !reflect.DeepEqual(data, []string{strconv.Quote(strconv.Itoa(asked / questions))}) {
		t.Errorf("queries for six: %v, want %d", data, asked/questions)
	}
	if rcode, data := ask("udp", "127.0.0.1", "loop", dns.TypeA, dns.ClassINET); rcode != "NOERROR" || len(data) != maxAliases {
		t.Errorf("an alias of itself: %s %v", rcode, data)
	}
}

// A server may be slow, or silent about some names.
func TestDNSIsLate(t *testing.T) {
	port := freePort(t)
	start(t, engine.Workload{Kind: "dns", Listen: "127.0.0.1:" + strconv.Itoa(port), Delay: 300 * time.Millisecond,
		Records: map[string][]string{"web": {"10.0.0.2"}, "*": {"SILENT"}}})
	for _, one := range []struct {
		name     string
		wait     time.Duration
		answered bool
	}{{"web", patience, true}, {"web", 100 * time.Millisecond, false}, {"other", 600 * time.Millisecond, false}} {
		q := new(dns.Msg)
		q.SetQuestion(dns.Fqdn(one.name), dns.TypeA)
		c := dns.Client{Timeout: one.wait}
		_, took, err := c.Exchange(q, fmt.Sprintf("127.0.0.1:%d", port))
		if answered := err == nil; answered != one.answered || answered && took < 300*time.Millisecond {
			t.Errorf("%s within %s: %v after %s", one.name, one.wait, err, took)
		}
	}
}

// An answer that does not fit into a datagram says so, and TCP has all of it.
func TestDNSTruncates(t *testing.T) {
	port := freePort(t)
	var many []string
	for i := range 100 {
		many = append(many, fmt.Sprintf("10.0.1.%d", i))
	}
	start(t, engine.Workload{Kind: "dns", Listen: "127.0.0.1:" + strconv.Itoa(port), Records: map[string][]string{"many": many}})
	for network, truncated := range map[string]bool{"udp": true, "tcp": false} {
		q := new(dns.Msg)
		q.SetQuestion("many.", dns.TypeA)
		c := dns.Client{Net: network, Timeout: patience}
		m, _, err := c.Exchange(q, fmt.Sprintf("127.0.0.1:%d", port))
		must(t, err)
		if whole := len(m.Answer) == len(many); m.Truncated != truncated || whole == truncated {
			t.Errorf("%s: truncated %v with %d answers", network, m.Truncated, len(m.Answer))
		}
	}
}

func TestCannotStart(t *testing.T) {
	port := strconv.Itoa(freePort(t))
	start(t, engine.Workload{Kind: "tcp", Listen: ":" + port})
	start(t, engine.Workload{Kind: "udp", Listen: ":" + port})
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"http --listen :" + port, 1, "address already in use"},
		{"tcp --listen 127.0.0.1:" + port, 1, "address already in use"},
		{"udp --listen :" + port, 1, "address already in use"},
		{"dns --listen :" + port, 1, "address already in use"},
		{"tcp --listen 192.0.2.1:7", 1, "cannot assign requested address"},
		{"tcp --listen 127.0.0.1:0 --ready-fd 99", 1, "--ready-fd 99"},
		{"gopher", 2, "unknown kind"},
		{"", 2, "which kind"},
		{"http --record a=1.2.3.4", 2, "--record and --delay are for dns"},
		{"dns --record a=b", 2, "record a"},
		{"dns --record a", 2, "NAME=VALUE"},
		{"tcp extra", 2, "unexpected argument"},
		{"tcp --frob", 2, "frob"},
	} {
		cmd := command(t, strings.Fields(c.args)...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		var exit *exec.ExitError
		if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != c.code {
			t.Errorf("%q: %v, want exit code %d", c.args, err, c.code)
		}
		if text := stderr.String(); !strings.Contains(text, c.says) || strings.Count(text, "\n") != 1 || !strings.HasPrefix(text, "error: ") {
			t.Errorf("%q says %q, want one line with %q", c.args, text, c.says)
		}
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	host, err := os.Hostname()
	must(t, err)
	for kind, listen := range map[string]string{"http": ":80", "tcp": ":7", "udp": ":7", "dns": ":53"} {
		o, err := parse([]string{kind})
		if err != nil || o.listen != listen || o.name != host || o.readyFD != -1 {
			t.Errorf("%s: %+v, %v", kind, o, err)
		}
	}
	w := engine.Workload{Kind: "dns", Node: "ns", Listen: "10.0.0.1:53", Records: map[string][]string{"b": {"1.2.3.4"}, "a": {"::1", "1.1.1.1"}}}
	want := []string{"dns", "--name", "ns", "--listen", "10.0.0.1:53", "--record", "a=::1", "--record", "a=1.1.1.1", "--record", "b=1.2.3.4", "--ready-fd", "5"}
	if got := Args(w, 5); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// BenchmarkStart measures from exec until the workload listens.
func BenchmarkStart(b *testing.B) {
	for _, kind := range []string{"http", "tcp", "udp", "dns"} {
		b.Run(kind, func(b *testing.B) {
			var rss int
			for b.Loop() {
				ready, child, err := os.Pipe()
				must(b, err)
				cmd := command(b, kind, "--listen", "127.0.0.1:0", "--ready-fd", "3")
				cmd.ExtraFiles = []*os.File{child}
				must(b, errors.Join(cmd.Start(), child.Close()))
				_, err = ready.Read(make([]byte, 1))
				must(b, errors.Join(err, ready.Close()))
				b.StopTimer()
				statm, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", cmd.Process.Pid))
				must(b, err)
				pages, err := strconv.Atoi(strings.Fields(string(statm))[1])
				must(b, err)
				rss = pages * os.Getpagesize()
				must(b, errors.Join(cmd.Process.Signal(unix.SIGTERM), cmd.Wait()))
				b.StartTimer()
			}
			b.ReportMetric(float64(rss)/(1<<20), "MiB-RSS")
		})
	}
}
