package probe

import (
	"cmp"
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"underlay/engine"
	"underlay/engine/internal/netns"
)

// nameServer answers from a zone file, or as it is told to, and remembers what it was
// asked.
type nameServer struct {
	addr string
	zone string // records, one a line; in a zone "*.NAME" is a wildcard
	how  string // "", silent, servfail, refused, notimp, formerr, lame, truncates, no-aaaa (silent for AAAA)

	records []dns.RR
	asked   *queryLog
}

type queryLog struct {
	mu   sync.Mutex
	all  []string
	more chan struct{} // there is one more
}

// await waits until there are as many; a query may be on its way when its sender has stopped
// waiting.
func (l *queryLog) await(t testing.TB, n int) {
	t.Helper()
	for deadline := time.After(time.Minute); ; {
		l.mu.Lock()
		enough := len(l.all) >= n
		l.mu.Unlock()
		if enough {
			return
		}
		select {
		case <-l.more:
		case <-deadline:
			return // take tells what is missing
		}
	}
}

func (l *queryLog) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.all
	l.all = nil
	// Questions for A and AAAA come at once, and are handled side by side.
	for i := 0; i < len(out); {
		j := i
		for j < len(out) && strings.Fields(out[j])[1] == strings.Fields(out[i])[1] && strings.Fields(out[j])[0] == strings.Fields(out[i])[0] {
			j++
		}
		slices.Sort(out[i:j])
		i = j
	}
	return out
}

func (s *nameServer) run(t testing.TB, n Node, log *queryLog) {
	t.Helper()
	s.asked = log
	for line := range strings.Lines(s.zone) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		rr, err := dns.NewRR(strings.TrimSpace(line))
		must(t, err)
		s.records = append(s.records, rr)
	}
	var ln net.Listener
	var pc net.PacketConn
	must(t, netns.Do(n.NS, func() (err error) {
		if ln, err = net.Listen("tcp", s.addr+":53"); err == nil {
			pc, err = net.ListenPacket("udp", s.addr+":53")
		}
		return err
	}))
	for _, srv := range []*dns.Server{{Listener: ln, Handler: s}, {PacketConn: pc, Handler: s}} {
		ended := make(chan struct{})
		go func() { _ = srv.ActivateAndServe(); close(ended) }()
		t.Cleanup(func() {
			_, _ = ln.Close(), pc.Close()
			<-ended
		})
	}
}

func (s *nameServer) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	question := q.Question[0]
	over := ""
	if w.LocalAddr().Network() == "tcp" {
		over = " tcp"
	}
	if q.IsEdns0() != nil {
		over += " edns0"
	}
	s.asked.mu.Lock()
	s.asked.all = append(s.asked.all, s.addr+" "+question.Name+" "+dns.TypeToString[question.Qtype]+over)
	s.asked.mu.Unlock()
	select {
	case s.asked.more <- struct{}{}:
	default:
	}
	m := new(dns.Msg).SetReply(q)
	m.RecursionAvailable = true
	switch {
	case s.how == "silent", s.how == "no-aaaa" && question.Qtype == dns.TypeAAAA:
		return
	case s.how == "servfail", s.how == "servfail-aaaa" && question.Qtype == dns.TypeAAAA:
		m.Rcode = dns.RcodeServerFailure
	case s.how == "refused":
		m.Rcode = dns.RcodeRefused
	case s.how == "notimp":
		m.Rcode = dns.RcodeNotImplemented
	case s.how == "formerr":
		m.Rcode = dns.RcodeFormatError
	case s.how == "lame":
		m.RecursionAvailable = false
	case s.how == "truncates" && over == "":
		m.Truncated = true
	default:
		s.fill(m, question)
	}
	_ = w.WriteMsg(m)
}

// fill follows aliases within the zone.
func (s *nameServer) fill(m *dns.Msg, q dns.Question) {
	name := strings.ToLower(q.Name)
	for range 8 {
		exact := slices.ContainsFunc(s.records, func(rr dns.RR) bool { return rr.Header().Name == name })
		known, alias := false, ""
		for _, rr := range s.records {
			owner := rr.Header().Name
			wild := strings.HasPrefix(owner, "*.") && !exact && strings.HasSuffix(name, owner[1:])
			if owner != name && !wild {
				continue
			}
			known = true
			rr = dns.Copy(rr)
			if rr.Header().Name = name; name == strings.ToLower(q.Name) {
				rr.Header().Name = q.Name
			}
			if c, ok := rr.(*dns.CNAME); ok {
				alias = c.Target
			} else if rr.Header().Rrtype != q.Qtype {
				continue
			}
			m.Answer = append(m.Answer, rr)
		}
		if alias == "" {
			if !known && len(m.Answer) == 0 {
				m.Rcode = dns.RcodeNameError
			}
			return
		}
		name = alias
	}
}

// files are those of a node, over /etc.
type files struct{ hosts, resolv, nsswitch string }

func (f files) etc() Etc {
	return Etc{Hosts: []byte(f.hosts), Resolv: []byte(f.resolv), Switch: []byte(f.nsswitch)}
}

// getent asks the machine's own resolver in a node, with these files for /etc. It returns
// the addresses in their order, none if there are none.
func getent(t testing.TB, n Node, f files, database, name string) (addrs []string) {
	t.Helper()
	return getentOn(t, n, f, "n", database, name)
}

// getentOn is getent on a host of some name.
func getentOn(t testing.TB, n Node, f files, hostname, database, name string) (addrs []string) {
	t.Helper()
	dir := t.TempDir()
	script := "set -e\n"
	for file, text := range map[string]string{"hosts": f.hosts, "resolv.conf": f.resolv, "nsswitch.conf": f.nsswitch} {
		must(t, os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644))
		script += "mount --bind " + filepath.Join(dir, file) + " /etc/" + file + "\n"
	}
	cmd := exec.Command("unshare", "--map-root-user", "--mount", "--uts", "sh", "-c", script+"hostname "+hostname+"\nexec getent "+database+" '"+name+"'")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	var out []byte
	must(t, netns.Do(n.NS, func() (err error) {
		out, err = cmd.Output()
		var exit *exec.ExitError
		if errors.As(err, &exit) && exit.ExitCode() == 2 {
			err = nil // not found
		}
		return err
	}))
	if stderr.Len() > 0 {
		t.Fatalf("getent: %s", &stderr)
	}
	for line := range strings.Lines(string(out)) {
		addr := strings.Fields(line)[0]
		if !slices.Contains(addrs, addr) {
			addrs = append(addrs, addr)
		}
	}
	return addrs
}

const (
	zoneA = `
db.a.lab. A 10.9.0.1
db.b.lab. A 10.9.0.2
host.a.lab. A 10.9.0.3
six.a.lab. AAAA fd00:9::1
both.a.lab. A 10.9.0.4
both.a.lab. AAAA fd00:9::4
many.a.lab. A 10.1.0.77
many.a.lab. A 10.9.0.5
many.a.lab. A 10.9.0.6
txt.a.lab. TXT hello
txt.b.lab. A 10.9.0.7
alias.a.lab. CNAME both.a.lab.
far.a.lab. CNAME www.elsewhere.
far.b.lab. A 10.9.0.8
x.y. A 10.9.0.9
x.y.a.lab. A 10.9.0.10
top. A 10.9.0.11
mix.a.lab. AAAA fd00:9::2
mix.a.lab. A 10.9.0.13
mix.a.lab. AAAA fd00:1::99
`
	zoneB = `
*.a.lab. A 10.8.0.1
db.b.lab. A 10.8.0.2
top. A 10.8.0.3
`
)

// resolverCase is a configuration and the names that are looked up in it.
type resolverCase struct {
	what    string
	servers []*nameServer
	files   files
	names   string
}

// zones are two servers with a zone each.
func zones() []*nameServer {
	return []*nameServer{{addr: "10.1.0.1", zone: zoneA}, {addr: "10.1.0.3", zone: zoneB}}
}

func one(how string) []*nameServer {
	return []*nameServer{{addr: "10.1.0.1", how: how, zone: zoneA}, {addr: "10.1.0.3", zone: zoneB}}
}

const (
	nsA, nsB = "nameserver 10.1.0.1\n", "nameserver 10.1.0.3\n"
	nsNone   = "nameserver 10.1.0.4\n" // where no server is
	ab       = "search a.lab b.lab\n"
	usual    = "hosts: files dns\n"
	brief    = "options timeout:1 attempts:1\n"
)

var resolverCases = []resolverCase{
	{"search list", zones(), files{"", nsA + ab, usual}, "db host six both many mix txt alias far x.y x.y. db. top top. nobody DB db.a.lab db.b.lab. nobody.at.all"},
	{"no search list", zones(), files{"", nsA, usual}, "db top db.a.lab x.y nobody"},
	{"ndots:2", zones(), files{"", nsA + ab + "options ndots:2\n", usual}, "x.y db db.a.lab"},
	{"ndots:0", zones(), files{"", nsA + ab + "options ndots:0\n", usual}, "db top"},
	{"ndots:99", zones(), files{"", nsA + ab + "options ndots:99\n", usual}, "x.y"},
	{"no-tld-query", zones(), files{"", nsA + ab + "options no-tld-query\n", usual}, "top nobody"},
	{"domain", zones(), files{"", "domain b.lab\n" + nsA, usual}, "db host"},
	{"domain, then search", zones(), files{"", "domain b.lab\nsearch a.lab\n" + nsA, usual}, "db"},
	{"search, then domain", zones(), files{"", "search a.lab\ndomain b.lab\n" + nsA, usual}, "db"},
	{"two search lines", zones(), files{"", "search a.lab\nsearch b.lab\n" + nsA, usual}, "db"},
	{"root in the search list", zones(), files{"", "search . a.lab\n" + nsA, usual}, "db top nobody"},
	{"comments and spaces", zones(), files{"", "# nameserver 10.1.0.3\n;search x\n" + nsA + "search a.lab # b.lab\n" + "  nameserver 10.1.0.3\n", usual}, "db nobody"},
	{"wildcard in the second server", zones(), files{"", nsA + nsB + ab, usual}, "db other"},
	{"wildcard", zones(), files{"", nsB + ab, usual}, "db anything x.y"},
	{"edns0", zones(), files{"", nsA + ab + "options edns0\n", usual}, "db"},
	{"use-vc", zones(), files{"", nsA + ab + "options use-vc\n", usual}, "db nobody"},
	{"single-request", zones(), files{"", nsA + ab + "options single-request\n", usual}, "db both"},
	{"single-request-reopen", zones(), files{"", nsA + ab + "options single-request-reopen\n", usual}, "both"},
	{"no-aaaa", zones(), files{"", nsA + ab + "options no-aaaa\n", usual}, "both six"},
	{"no server listens", zones(), files{"", nsNone + ab, usual}, "db top x.y"},
	{"the first does not listen", zones(), files{"", nsNone + nsB + ab, usual}, "db"},
	{"the fourth is not asked", zones(), files{"", nsNone + nsNone + nsNone + nsA + ab, usual}, "db"},
	{"no server is named", zones(), files{"", ab, usual}, "db"},
	{"127.0.0.1 is asked where none is named", []*nameServer{{addr: "127.0.0.1", zone: zoneA}}, files{"", ab, usual}, "db"},
	{"the first is silent", one("silent"), files{"", nsA + nsB + ab + brief, usual}, "db"},
	{"all are silent", one("silent"), files{"", nsA + ab + brief, usual}, "x.y"},
	{"silent, two attempts", one("silent"), files{"", nsA + ab + "options timeout:1\n", usual}, "db"},
	{"SERVFAIL", one("servfail"), files{"", nsA + ab, usual}, "db x.y"},
	{"SERVFAIL, then another", one("servfail"), files{"", nsA + nsB + ab, usual}, "db top"},
	{"SERVFAIL for AAAA", one("servfail-aaaa"), files{"", nsA + ab, usual}, "db six"},
	{"REFUSED", one("refused"), files{"", nsA + ab, usual}, "db"},
	{"REFUSED, then another", one("refused"), files{"", nsA + nsB + ab, usual}, "db"},
	{"NOTIMP", one("notimp"), files{"", nsA + nsB + ab, usual}, "db"},
	{"FORMERR", one("formerr"), files{"", nsA + nsB + ab, usual}, "db"},
	{"lame", one("lame"), files{"", nsA + nsB + ab, usual}, "db"},
	{"truncated", one("truncates"), files{"", nsA + nsB + ab, usual}, "db both"},
	{"no answer for AAAA", one("no-aaaa"), files{"", nsA + ab + brief, usual}, "db"},
	{"hosts", zones(), files{"10.7.0.1 web web.a.lab # db\n10.7.0.2\tDb  web\nfd00:7::1 web\n10.7 short\nbad other\n", nsA + ab, usual}, "web WEB web.a.lab db db. other short 10.1 0x0a.1 167772161 1.2.3.4 fd00::5 010.1"},
	{"dns before files", zones(), files{"10.7.0.1 db web\n", nsA + ab, "hosts: dns files\n"}, "db web"},
	{"dns [NOTFOUND=return] files", zones(), files{"10.7.0.1 web\n", nsA + ab, "hosts: dns [NOTFOUND=return] files\n"}, "web"},
	{"dns [!UNAVAIL=return] files", zones(), files{"10.7.0.1 web\n", nsA + ab, "hosts: dns [!UNAVAIL=return] files\n"}, "web"},
	{"dns [!UNAVAIL=return] files without a server", zones(), files{"10.7.0.1 web\n", nsNone + ab, "hosts: dns [!UNAVAIL=return] files\n"}, "web"},
	{"files [NOTFOUND=return] dns", zones(), files{"10.7.0.1 web\n", nsA + ab, "hosts: files [NOTFOUND=return] dns\n"}, "web db"},
	{"files alone", zones(), files{"10.7.0.1 web\n", nsA + ab, "hosts: files # dns\n"}, "web db"},
	{"dns alone", zones(), files{"10.7.0.1 web\n", nsA + ab, "hosts: dns\n"}, "web db"},
	{"a module that is not there", zones(), files{"10.7.0.1 web\n", nsA + ab, "hosts: nowhere [!UNAVAIL=return] files dns\n"}, "web db"},
	{"nsswitch.conf without hosts", zones(), files{"10.7.0.1 db\n", nsA + ab, "passwd: files\n"}, "db host"},
}

// TestResolvesLikeGlibcOnce compares with getent, which asks getaddrinfo, and what servers
// saw of both. It is not parallel: its many programs would make the times of others long.
func TestResolvesLikeGlibcOnce(t *testing.T) {
	if out, err := exec.Command("getent", "--version").Output(); err != nil || !strings.Contains(string(out), "GNU libc") && !strings.Contains(string(out), "GLIBC") {
		t.Skip("getent is not glibc's")
	}
	n, s := newResolving(t)
	for _, c := range resolverCases {
		t.Run(c.what, func(t *testing.T) {
			log := startNameServers(t, n, s, c.servers)
			for name := range strings.FieldsSeq(c.names) {
				want := getent(t, n, c.files, "ahosts", name)
				wantAsked := log.take()
				l, err := Resolve(t.Context(), Request{From: n, To: name, Names: Names{Etc: c.files.etc()}, Wait: shortWait})
				must(t, err)
				if got := texts(l.Addrs); !slices.Equal(got, want) {
					t.Errorf("%s is %v (%s), but getent ahosts says %v", name, got, l.Detail, want)
				}
				log.await(t, len(wantAsked))
				if asked := log.take(); !slices.Equal(asked, wantAsked) {
					t.Errorf("%s: asked\n%s\nbut glibc\n%s", name, strings.Join(asked, "\n"), strings.Join(wantAsked, "\n"))
				}
				if _, address := numeric(name); address || strings.Contains(c.files.resolv, "timeout") {
					continue // getent hosts asks for an address's name; and it waits as long again
				}
				if hosts := getent(t, n, c.files, "hosts", name); (len(hosts) > 0) != (len(want) > 0) && c.what != "no-aaaa" {
					t.Errorf("getent hosts %s says %v, getent ahosts %v", name, hosts, want)
				}
				log.take()
			}
		})
	}
}

// newResolving is a node that resolves names, and one beside it for name servers. All
// configurations share them: the kernel is slow to make many links usable at once.
func newResolving(t testing.TB) (n, s Node) {
	t.Helper()
	n, s = newNode(t, "n"), newNode(t, "s")
	join(t, n, "10.1.0.2/24", s, "10.1.0.1/24")
	address1(t, s, "n", "10.1.0.3/24")
	address1(t, s, "n", "10.1.0.4/24")
	address1(t, s, "n", "fd00:1::1/64")
	address1(t, n, "s", "fd00:1::2/64")
	route(t, n, "default", "10.1.0.1")
	return n, s
}

// startNameServers runs servers in s, those on a loopback address in n, until the test ends.
func startNameServers(t testing.TB, n, s Node, servers []*nameServer) *queryLog {
	t.Helper()
	log := &queryLog{more: make(chan struct{}, 1)}
	for _, srv := range servers {
		at := s
		if strings.HasPrefix(srv.addr, "127.") {
			at = n
		}
		srv.run(t, at, log)
	}
	return log
}

func texts(addrs []netip.Addr) (out []string) {
	for _, a := range addrs {
		if !slices.Contains(out, a.String()) {
			out = append(out, a.String())
		}
	}
	return out
}

// TestResolvesLikeMusl holds the rules of musl's documentation and source.
func TestResolvesLikeMusl(t *testing.T) {
	t.Parallel()
	n, s := newResolving(t)
	for _, c := range []struct {
		resolverCase
		want  string   // of the one name
		asked []string // names, once each, in order
	}{
		{resolverCase{"search list", zones(), files{"", nsA + ab, ""}, "db"}, "10.9.0.1", []string{"db.a.lab."}},
		{resolverCase{"as it stands after the search list", zones(), files{"", nsA + ab, ""}, "top"}, "10.9.0.11", []string{"top.a.lab.", "top.b.lab.", "top."}},
		{resolverCase{"no search where there are enough dots", zones(), files{"", nsA + ab, ""}, "db.nowhere"}, "", []string{"db.nowhere."}},
		{resolverCase{"no fallback to the search list", zones(), files{"", nsA + "search lab\n", ""}, "db.a"}, "", []string{"db.a."}},
		{resolverCase{"an empty answer ends the search", zones(), files{"", nsA + ab, ""}, "txt"}, "", []string{"txt.a.lab."}},
		{resolverCase{"a failure ends the search", one("servfail"), files{"", nsA + ab, ""}, "db"}, "", []string{"db.a.lab."}},
		{resolverCase{"the first answer wins", one("silent"), files{"", nsA + nsB + ab, ""}, "db"}, "10.8.0.1", []string{"db.a.lab."}},
		{resolverCase{"a refusal is passed over", one("refused"), files{"", nsA + nsB + ab, ""}, "db"}, "10.8.0.1", []string{"db.a.lab."}},
		{resolverCase{"final dot", zones(), files{"", nsA + ab + "options ndots:5\n", ""}, "top."}, "10.9.0.11", []string{"top."}},
		{resolverCase{"hosts before all, whatever nsswitch.conf says", zones(), files{"10.7.0.1 db\n", nsA + ab, "hosts: dns\n"}, "db"}, "10.7.0.1", nil},
		{resolverCase{"hosts tells capitals apart", zones(), files{"10.7.0.1 DB\n", nsA + ab, ""}, "db"}, "10.9.0.1", []string{"db.a.lab."}},
		{resolverCase{"no server is named", zones(), files{"", ab, ""}, "db"}, "", nil},
		{resolverCase{"truncated", one("truncates"), files{"", nsA + ab, ""}, "db"}, "10.9.0.1", []string{"db.a.lab."}},
	} {
		t.Run(c.what, func(t *testing.T) {
			log := startNameServers(t, n, s, c.servers)
			l, err := Resolve(t.Context(), Request{From: n, To: c.names, Names: Names{Etc: c.files.etc(), Musl: true}, Wait: 2 * time.Second})
			must(t, err)
			if got := strings.Join(texts(l.Addrs), " "); got != c.want {
				t.Errorf("%s is %q (%s), want %q", c.names, got, l.Detail, c.want)
			}
			var asked []string
			for _, q := range log.take() {
				if name := strings.Fields(q)[1]; !slices.Contains(asked, name) {
					asked = append(asked, name)
				}
			}
			if !slices.Equal(asked, c.asked) {
				t.Errorf("asked for %v, want %v", asked, c.asked)
			}
		})
	}
}

// TestUnresolved reads what is said of a name that has no address.
func TestUnresolved(t *testing.T) {
	t.Parallel()
	n, s := newResolving(t)
	startNameServers(t, n, s, append(zones(), &nameServer{addr: "10.1.0.4", how: "servfail"}))
	for _, c := range []struct {
		files      files
		name, want string
	}{
		{files{"", nsA, usual}, "db", "could not resolve db: NXDOMAIN from 10.1.0.1"},
		{files{"", nsA + ab, usual}, "nobody", "could not resolve nobody: NXDOMAIN from 10.1.0.1 for nobody.a.lab, nobody.b.lab and nobody"},
		{files{"", nsA + "search a.lab\n", usual}, "txt", "could not resolve txt: no address (NOERROR, empty answer) from 10.1.0.1 for txt.a.lab; NXDOMAIN from 10.1.0.1"},
		{files{"", nsNone + nsA, usual}, "db", "could not resolve db: SERVFAIL from 10.1.0.4; NXDOMAIN from 10.1.0.1"},
		{files{"", "nameserver 10.1.0.99\n" + brief, usual}, "db", "could not resolve db: no route to host: ARP for 10.1.0.99 was not answered on s"},
		{files{"", ab, usual}, "db", "could not resolve db: n has no DNS server configured"},
		{files{"", nsA, "hosts: files\n"}, "db", "could not resolve db: it is not in n's /etc/hosts, and /etc/nsswitch.conf leads to no name server"},
		{files{"", nsA, usual}, "a..b", `could not resolve "a..b": it is no name`},
	} {
		l, err := Resolve(t.Context(), Request{From: n, To: c.name, Names: Names{Etc: c.files.etc()}, Wait: shortWait})
		if err != nil || len(l.Addrs) > 0 || l.Detail != c.want {
			t.Errorf("%s: %v, %v,\n%s\nwant\n%s", c.name, l.Addrs, err, l.Detail, c.want)
		}
	}
}

// TestSearchesTheDomainOfTheHost: without a search list glibc takes the host's own domain.
func TestSearchesTheDomainOfTheHost(t *testing.T) {
	t.Parallel()
	n, s := newResolving(t)
	startNameServers(t, n, s, zones())
	for _, musl := range []bool{false, true} {
		etc := files{"", nsA, usual}.etc()
		etc.Hostname = "n.a.lab"
		l, err := Resolve(t.Context(), Request{From: n, To: "db", Names: Names{Etc: etc, Musl: musl}, Wait: 10 * time.Second})
		must(t, err)
		want := getentOn(t, n, files{"", nsA, usual}, etc.Hostname, "ahosts", "db")
		if len(want) == 0 {
			t.Fatal("getent does not search the host's domain")
		}
		if musl {
			want = nil
		}
		if got := texts(l.Addrs); !slices.Equal(got, want) {
			t.Errorf("musl %v: db is %v (%s), want %v", musl, got, l.Detail, want)
		}
	}
}

// TestRotate: a program may begin with any server, so a name that only one of them has does
// not resolve for sure.
func TestRotate(t *testing.T) {
	t.Parallel()
	n, s := newResolving(t)
	startNameServers(t, n, s, zones())
	for name, want := range map[string][]string{"x.y": nil, "db.b.lab": {"10.9.0.2"}} {
		etc := files{"", nsA + nsB + "options rotate\n", usual}.etc()
		l, err := Resolve(t.Context(), Request{From: n, To: name, Names: Names{Etc: etc}, Wait: 10 * time.Second})
		must(t, err)
		if got := texts(l.Addrs); !slices.Equal(got, want) {
			t.Errorf("%s is %v (%s), want %v", name, got, l.Detail, want)
		}
	}
}

// TestTriesEachAddress connects to the second address where the first refuses.
func TestTriesEachAddress(t *testing.T) {
	t.Parallel()
	p := newPath(t)
	r := Request{From: p.c, To: "web", Proto: "http", Wait: 10 * time.Second, Names: Names{Etc: Etc{Hosts: []byte(routerNear + " web\n" + serverAddr4 + " web\n")}}}
	if o := expect(t, r, engine.OK, ""); o.Address != serverAddr4 {
		t.Errorf("answered by %s", o.Address)
	}
	r.Proto = "icmp"
	if o := expect(t, r, engine.OK, ""); o.Address != routerNear {
		t.Errorf("ping went to %s", o.Address)
	}
	r.Proto, r.Port = "tcp", 81
	expect(t, r, engine.Refused, "RST from "+routerNear)
}

// TestOrder holds the rules by which addresses are put in order.
func TestOrder(t *testing.T) {
	d := func(addr, source string, bits int) destination {
		x := destination{addr: netip.MustParseAddr(addr), bits: bits}
		if source != "" {
			x.source = netip.MustParseAddr(source)
		}
		return x
	}
	for _, c := range []struct{ first, second destination }{
		{d("10.0.0.1", "10.0.0.2", 24), d("fd00::1", "", 0)},               // a way there
		{d("fd00::1", "fd00::2", 64), d("10.0.0.1", "10.0.0.2", 24)},       // precedence
		{d("10.0.0.1", "10.0.0.2", 24), d("2001:db8::1", "fe80::1", 64)},   // scope of the source
		{d("10.0.0.1", "10.0.0.2", 24), d("2001:db8::1", "fd00::1", 64)},   // label
		{d("fd00::1", "fd00::2", 64), d("fd00:9::1", "fd00::2", 64)},       // longest prefix
		{d("10.0.0.1", "10.0.0.2", 24), d("10.9.0.1", "10.0.0.2", 24)},     // the own network
		{d("fe80::1", "fe80::2", 64), d("2001:db8::1", "2001:db8::2", 64)}, // smaller scope
		{d("2001:db8::1", "2001:db8::2", 64), d("2002::1", "2002::2", 64)}, // precedence of 6to4
	} {
		if compare(c.first, c.second, false) >= 0 || compare(c.second, c.first, false) <= 0 {
			t.Errorf("%s does not come before %s", c.first.addr, c.second.addr)
		}
	}
	if far := cmp.Compare(compare(d("10.9.0.1", "10.0.0.2", 24), d("10.200.0.1", "10.0.0.2", 24), false), 0); far != 0 {
		t.Errorf("addresses beyond the own network are put in order: %d", far)
	}
}

func TestNumeric(t *testing.T) {
	for text, want := range map[string]string{
		"10.0.0.1": "10.0.0.1", "10.1": "10.0.0.1", "10.1.257": "10.1.1.1", "0x0a000001": "10.0.0.1", "167772161": "10.0.0.1",
		"012.1": "10.0.0.1", "fd00::1": "fd00::1", "::ffff:1.2.3.4": "1.2.3.4",
		"": "", "10.": "", "256.1.1.1": "", "1.2.3.4.5": "", "0b1": "", "1_0": "", "+1": "", "a": "", "10.0.0.256": "",
	} {
		addr, ok := numeric(text)
		if got := addr.String(); ok != (want != "") || ok && got != want {
			t.Errorf("%q is %s, %v, want %q", text, got, ok, want)
		}
	}
}

func TestSources(t *testing.T) {
	for text, want := range map[string][]source{
		"hosts: files\n":             {{"files", map[found]bool{success: true}}},
		"hosts:dns[!UNAVAIL=return]": {{"dns", map[found]bool{success: true, notFound: true}}},
		"# hosts: x\n hosts: dns [SUCCESS=continue NOTFOUND=return] files": {
			{"dns", map[found]bool{success: false, notFound: true}}, {"files", map[found]bool{success: true}},
		},
	} {
		got := Names{Etc: Etc{Switch: []byte(text)}}.sources()
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q is %v, want %v", text, got, want)
		}
	}
}
