package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"

	"underlay/kube/internal/netns"
	"underlay/kube/internal/testcluster"
)

// A dnsQuestion is asked of the cluster's DNS, and what must come of it.
type dnsQuestion struct{ what, name, kind, want string }

// A lookup is done by glibc in a pod, with its resolv.conf.
type lookup struct {
	pod, name string
	queries   int
	want      string
}

const (
	clusterDomain = "cluster.local."
	noName        = "no such name"
	noRecord      = "no such record"
)

// TestDNSNames compares what the cluster's DNS answers with the specification
// of Kubernetes' DNS, and counts what glibc asks because of ndots.
func TestDNSNames(t *testing.T) {
	c := open(t, settings{Proxy: "nftables", CNI: "bridge", DNS: true})
	c.must(t, named, "apply", "-f", "-")
	c.must(t, "", "wait", "--for=condition=Ready", "pod", "-l", "shy!=true", "--timeout=60s")
	pods := map[string]netip.Addr{}
	for _, pod := range []string{"web-1", "web-2", "shy"} {
		eventually(t, pod+" has an address", func() (err error) {
			pods[pod], err = netip.ParseAddr(c.field(t, pod, ".status.podIP"))
			return err
		})
	}
	table := testcluster.Table{{"what", "question", "type", "answer"}}
	for _, q := range questions {
		table = append(table, []string{q.what, q.name, q.kind, q.ask(t, pods)})
	}
	t.Logf("What DNS answers\n%s", table)
	table = testcluster.Table{{"ndots", "name", "queries", "answer"}}
	for _, l := range lookups {
		queries, got := l.do(t, c)
		table = append(table, []string{map[string]string{"five": "5", "one": "1"}[l.pod], l.name, strconv.Itoa(queries), got})
	}
	t.Logf("What glibc asks\n%s", table)
}

// Ask asks until the answer is as wanted, and fails the test if it never is.
func (q dnsQuestion) ask(t *testing.T, pods map[string]netip.Addr) string {
	t.Helper()
	name := q.name
	for pod, address := range pods {
		written := strings.ReplaceAll(address.String(), ".", "-")
		if q.kind == "PTR" {
			parts := strings.Split(address.String(), ".")
			slices.Reverse(parts)
			written = strings.Join(parts, ".")
		}
		name = strings.ReplaceAll(name, "{"+pod+"}", written)
	}
	if !strings.HasSuffix(name, ".") {
		name += "." + clusterDomain
	}
	got := ""
	for begin := time.Now(); time.Since(begin) < 20*time.Second; time.Sleep(50 * time.Millisecond) {
		message, err := query(t, name, dns.StringToType[q.kind])
		if got = said(message, err, pods); got == q.want {
			return got
		}
	}
	t.Errorf("%s, %s %s: %s instead of %s", q.what, q.name, q.kind, got, q.want)
	return got + " (wrong)"
}

func query(t *testing.T, name string, kind uint16) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	conn, err := netns.Dial(ctx, netns.Path("five"), "udp", dnsServer)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	message := new(dns.Msg).SetQuestion(name, kind)
	answer, _, err := new(dns.Client).ExchangeWithConnContext(ctx, message, &dns.Conn{Conn: conn})
	return answer, err
}

// Said writes an answer, with pods instead of their addresses and without the
// cluster's domain.
func said(message *dns.Msg, err error, pods map[string]netip.Addr) string {
	switch {
	case err != nil:
		return err.Error()
	case message.Rcode == dns.RcodeNameError && len(message.Answer) == 0:
		return noName
	case message.Rcode != dns.RcodeSuccess:
		return dns.RcodeToString[message.Rcode]
	case len(message.Answer) == 0:
		return noRecord
	}
	short := func(name string) string { return strings.TrimSuffix(name, "."+clusterDomain) }
	var records []string
	for _, record := range message.Answer {
		switch r := record.(type) {
		case *dns.A:
			records = append(records, r.A.String())
		case *dns.CNAME:
			records = append(records, "alias of "+short(r.Target))
		case *dns.SRV:
			records = append(records, fmt.Sprintf("%d %s", r.Port, short(r.Target)))
		case *dns.PTR:
			records = append(records, short(r.Ptr))
		case *dns.TXT:
			records = append(records, strings.Join(r.Txt, ""))
		default:
			records = append(records, record.String())
		}
	}
	for i := range records {
		for pod, address := range pods {
			if records[i] == address.String() {
				records[i] = pod
			}
			records[i] = strings.ReplaceAll(records[i], strings.ReplaceAll(address.String(), ".", "-"), "{"+pod+"}")
		}
	}
	slices.Sort(records)
	return strings.Join(records, ", ")
}

// Do looks a name up with getent in the pod, and counts the queries that leave it.
func (l lookup) do(t *testing.T, c *cluster) (queries int, got string) {
	t.Helper()
	tap := listen(t, l.pod)
	out, err := c.kubectl(t, "", "exec", l.pod, "--", "getent", "ahosts", l.name)
	queries, got = tap.questions(t), noName
	var exit *exec.ExitError
	switch fields := strings.Fields(out); {
	case errors.As(err, &exit) && exit.ExitCode() == 2: // not found
	case err != nil:
		t.Fatalf("getent: %v: %s", err, out)
	case len(fields) > 0:
		got = fields[0]
	}
	if queries != l.queries || got != l.want {
		t.Errorf("%s, in %s: %d queries instead of %d, and %s instead of %s", l.name, l.pod, queries, l.queries, got, l.want)
	}
	return queries, got
}

// A tap sees the packets of a pod's interface.
type tap struct{ fd int }

func listen(t *testing.T, pod string) tap {
	t.Helper()
	var fd int
	err := netns.Do(netns.Path(pod), func() (err error) {
		all := int(unix.ETH_P_ALL)
		fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, all<<8&0xff00|all>>8)
		return err
	})
	if err != nil {
		t.Fatalf("listen in %s: %v", pod, err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	return tap{fd}
}

// Questions counts the different questions that have been sent so far. One that
// is sent again because its answer is late has the same id.
func (p tap) questions(t *testing.T) int {
	t.Helper()
	seen := map[string]bool{}
	buf := make([]byte, 2048)
	for {
		n, from, err := unix.Recvfrom(p.fd, buf, 0)
		if errors.Is(err, unix.EAGAIN) {
			return len(seen)
		}
		if err != nil {
			t.Fatal(err)
		}
		if link, ok := from.(*unix.SockaddrLinklayer); !ok || link.Pkttype != unix.PACKET_OUTGOING {
			continue
		}
		if question, ok := questionOf(buf[:n]); ok {
			seen[question] = true
		}
	}
}

// QuestionOf is the id and the question of a packet that is a query.
func questionOf(packet []byte) (string, bool) {
	const udpHeader = 8
	if len(packet) < 20 || packet[0]>>4 != 4 || packet[9] != unix.IPPROTO_UDP {
		return "", false
	}
	header := int(packet[0]&15) * 4
	if len(packet) < header+udpHeader || packet[header+2] != 0 || packet[header+3] != 53 {
		return "", false
	}
	var m dns.Msg
	if err := m.Unpack(packet[header+udpHeader:]); err != nil || m.Response || len(m.Question) != 1 {
		return "", false
	}
	return fmt.Sprint(m.Id, m.Question[0]), true
}
