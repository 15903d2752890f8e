package e2e

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"underlay/kube/internal/netns"
	"underlay/kube/internal/testcluster"
	"underlay/kube/internal/world"
)

// A promise is something that Kubernetes says of Services, and one connection
// that shows whether it is kept.
type promise struct {
	name string
	from string // a network namespace
	to   string // HOST:PORT for HTTP, udp:HOST:PORT for UDP; HOST is an address or a name
	// Want is what the connection gives, as outcome writes it. Where more than
	// one is right, they are separated by " or ".
	want string
	// IPTables is what it gives in that mode, where that differs.
	iptables string
}

func (p promise) wanted(mode string) string {
	if mode == "iptables" && p.iptables != "" {
		return p.iptables
	}
	return p.want
}

// The outcomes of a connection that is not answered.
const (
	refused     = "refused"
	silence     = "silence"
	unreachable = "unreachable"
)

const (
	// Tries is how often a promise is tried, so that a choice between two pods
	// that is left to chance shows both: it does not once in 2³¹.
	tries = 32
	// Quiet is how long silence must last where it is expected.
	quiet = time.Second
)

// TestServicePromises compares what Services do, in both modes of kube-proxy,
// with what the documentation of Kubernetes says.
func TestServicePromises(t *testing.T) {
	modes := []string{"nftables", "iptables"}
	got := map[string]map[string]string{}
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			c := open(t, settings{Proxy: mode, CNI: "bridge", DNS: true})
			c.must(t, promised, "apply", "-f", "-")
			c.must(t, "", "wait", "--for=condition=Ready", "pod", "-l", "shy!=true", "--timeout=60s")
			names := c.names(t)
			got[mode] = map[string]string{}
			for _, p := range promises {
				got[mode][p.key()] = p.keep(t, mode, names)
			}
		})
	}
	table := testcluster.Table{{"what", "from", "to", "nftables", "iptables"}}
	for _, p := range promises {
		table = append(table, []string{p.name, p.from, p.to, got["nftables"][p.key()], got["iptables"][p.key()]})
	}
	t.Logf("What Services do\n%s", table)
}

func (p promise) key() string { return p.name + p.from + p.to }

// Keep tries a promise until it is kept, and fails the test if it never is.
func (p promise) keep(t *testing.T, mode string, names map[string]string) string {
	t.Helper()
	want, got := strings.Split(p.wanted(mode), " or "), ""
	for begin := time.Now(); time.Since(begin) < 20*time.Second; time.Sleep(50 * time.Millisecond) {
		if got = p.outcome(t, want, names); slices.Contains(want, got) {
			return got
		}
	}
	t.Errorf("%s, from %s to %s: %s instead of %s", p.name, p.from, p.to, got, p.wanted(mode))
	return got + " (wrong)"
}

// Outcome is what comes of the connection, tried often enough: refused, silence,
// unreachable, or which pods answer and whom each sees, such as
// "web-1 ← near, web-2 ← near".
func (p promise) outcome(t *testing.T, want []string, names map[string]string) string {
	limit := 10 * time.Second
	if slices.Contains(want, silence) {
		limit = quiet
	}
	seen := map[string]bool{}
	for range tries {
		answer, err := p.once(t, limit)
		switch {
		case err == nil:
			peer, _, _ := net.SplitHostPort(answer.Peer)
			seen[answer.Served+" ← "+cmp.Or(names[peer], peer)] = true
			continue
		case errors.Is(err, unix.ECONNREFUSED):
			seen[refused] = true
		case errors.Is(err, unix.ENETUNREACH), errors.Is(err, unix.EHOSTUNREACH):
			seen[unreachable] = true
		case errors.Is(err, context.DeadlineExceeded) || isTimeout(err):
			seen[silence] = true
		default:
			return err.Error()
		}
		break
	}
	return strings.Join(slices.Sorted(maps.Keys(seen)), ", ")
}

func isTimeout(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout()
}

// An answer is what the built-in images say of who serves and who asks.
type answer struct{ Served, Peer string }

func (p promise) once(t *testing.T, limit time.Duration) (answer, error) {
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	if to, udp := strings.CutPrefix(p.to, "udp:"); udp {
		return askUDP(ctx, p.from, to)
	}
	return askHTTP(ctx, p.from, p.to)
}

func askUDP(ctx context.Context, from, to string) (answer, error) {
	conn, err := netns.Dial(ctx, netns.Path(from), "udp", to)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = conn.Close() }()
	if limit, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(limit); err != nil {
			return answer{}, err
		}
	}
	if _, err := conn.Write([]byte("?")); err != nil {
		return answer{}, err
	}
	buf := make([]byte, 512)
	n, err := conn.Read(buf)
	line, _, _ := strings.Cut(string(buf[:n]), "\n")
	served, peer, _ := strings.Cut(line, " sees ")
	return answer{served, peer}, err
}

func askHTTP(ctx context.Context, from, to string) (answer, error) {
	host, port, err := net.SplitHostPort(to)
	if err != nil {
		return answer{}, err
	}
	address, err := lookUp(ctx, from, host)
	if err != nil {
		return answer{}, err
	}
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return netns.Dial(ctx, netns.Path(from), network, net.JoinHostPort(address.String(), port))
	}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+to+"/whoami", nil)
	if err != nil {
		return answer{}, err
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return answer{}, err
	}
	text, err := io.ReadAll(response.Body)
	if err = firstError(err, response.Body.Close()); err != nil {
		return answer{}, err
	}
	var a answer
	return a, json.Unmarshal(text, &a)
}

// LookUp returns one of the addresses of a name, which the cluster's DNS is
// asked for from a network namespace, or an address as it is.
func lookUp(ctx context.Context, from, host string) (netip.Addr, error) {
	if address, err := netip.ParseAddr(host); err == nil {
		return address, nil
	}
	resolver := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return netns.Dial(ctx, netns.Path(from), "udp", dnsServer)
	}}
	addresses, err := resolver.LookupNetIP(ctx, "ip4", host+".")
	if err != nil {
		return netip.Addr{}, err
	}
	return addresses[time.Now().UnixNano()/1000%int64(len(addresses))], nil
}

// Names are the pods and nodes of all addresses.
func (c *cluster) names(t *testing.T) map[string]string {
	t.Helper()
	names := map[string]string{}
	for _, space := range []string{"node1", "node2", world.Fabric} {
		err := netns.Do(netns.Path(space), func() error {
			addresses, err := net.InterfaceAddrs()
			for _, a := range addresses {
				if prefix, err := netip.ParsePrefix(a.String()); err == nil && !prefix.Addr().IsLoopback() {
					names[prefix.Addr().String()] = space
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	pods := c.must(t, "", "get", "pods", "-o", `jsonpath={range .items[*]}{.status.podIP} {.metadata.name}{"\n"}{end}`)
	for line := range strings.Lines(pods) {
		if address, pod, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			names[address] = pod
		}
	}
	if len(names) < 8 {
		t.Fatalf("there are pods without addresses: %v", fmt.Sprint(names))
	}
	return names
}
