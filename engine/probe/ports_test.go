package probe

import (
	"bufio"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"underlay/engine"
	"underlay/engine/internal/netns"
)

// attempts are one of each kind.
func attempts(p path) []Request {
	all := []Request{
		{Proto: "icmp"}, {Proto: "icmp", To: "fd00:1::1"},
		{Proto: "udp", Port: udpPort}, {Proto: "udp", Port: 4}, // one that is refused
		{Proto: "tcp", Port: tcpPort}, {Proto: "http", Port: httpPort}, {Proto: "http", Port: httpPort, Reset: true},
	}
	for i := range all {
		all[i].From, all[i].Wait = p.c, 10*time.Second
		if all[i].To == "" {
			all[i].To = serverAddr4
		}
	}
	return all
}

// All that an attempt sends, and what answers it, can be told by its ports.
func TestAttemptsHaveOwnPorts(t *testing.T) {
	p := newPath(t)
	address1(t, p.c, "r", "fd00:1::2/64")
	address1(t, p.r, "c", "fd00:1::1/64")
	seen, err := Capture(t.Context(), p.c, "", Filter{})
	must(t, err)
	used := map[int]bool{}
	all := attempts(p)
	for _, r := range all {
		_, err := Do(t.Context(), r)
		must(t, err)
	}
	_, err = DNS(t.Context(), DNSRequest{From: p.c, Server: serverAddr4 + ":4", Name: "web."})
	must(t, err)
	for _, got := range seen.Stop() {
		if max(got.SPort, got.Echo) == 0 {
			continue
		}
		if !got.Test() {
			t.Errorf("%s is not known as a test", got)
		}
		used[slices.Max([]int{got.SPort, got.DPort, got.Echo})] = true
	}
	if len(used) != len(all)+1 {
		t.Errorf("%d ports are used by %d attempts", len(used), len(all)+1)
	}
}

// Two nodes behind one masquerading router keep their ports.
func TestPortsOutliveMasquerading(t *testing.T) {
	p := newPath(t)
	other := newNode(t, "o")
	join(t, other, "10.3.0.2/24", p.r, "10.3.0.1/24")
	route(t, other, "default", "10.3.0.1")
	firewall(t, p.r, "-t nat -A POSTROUTING -d "+serverAddr4+" -j MASQUERADE")
	seen, err := Capture(t.Context(), p.s, "", Filter{Proto: "udp", DPort: 4})
	must(t, err)
	for range 5 {
		for _, n := range []Node{p.c, other} {
			_, err := Do(t.Context(), Request{From: n, To: serverAddr4, Proto: "udp", Port: 4})
			must(t, err)
		}
	}
	packets := seen.Stop()
	for _, got := range packets {
		if !got.Test() || got.Src.String() != routerFar {
			t.Errorf("at the server it is %s", got)
		}
	}
	if len(packets) != 10 {
		t.Errorf("%d packets came", len(packets))
	}
}

// What a panel tells learners to type leaves out all that was sent, and no more.
func TestTcpdumpLeavesAttemptsOut(t *testing.T) {
	p := newPath(t)
	filter := fmt.Sprintf("(tcp or udp or icmp[0] == 8 or icmp[0] == 0) and %s and %s", engine.WithoutTests, engine.WithoutTestEchos)
	out := dump(t, p.s, filter, func() {
		for _, r := range attempts(p) {
			if strings.Contains(r.To, ":") {
				continue
			}
			_, err := Do(t.Context(), r)
			must(t, err)
		}
		must(t, tool(p.c, "ping", "-c", "1", serverAddr4))
	})
	if n := strings.Count(out, "ICMP echo re"); n != 2 || strings.Count(out, "\n") != n {
		t.Errorf("tcpdump shows, of a ping among attempts:\n%s", out)
	}
}

func TestTakenPortsArePassedOver(t *testing.T) {
	p := newPath(t)
	for i := range 20 {
		serve(t, p.c, engine.Workload{Kind: "tcp", Listen: fmt.Sprintf(":%d", engine.TestPortFirst+i)})
	}
	for _, r := range attempts(p) {
		if r.Proto != "icmp" {
			expect(t, r, map[bool]engine.Expect{true: engine.Refused, false: engine.OK}[r.Port == 4], "")
		}
	}
}

// Where all ports are taken, attempts are made all the same.
func TestAllPortsTaken(t *testing.T) {
	p := newPath(t)
	var fds []int
	must(t, netns.Do(p.c.NS, func() error {
		for port := engine.TestPortFirst; port <= engine.TestPortLast; port++ {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				return err
			}
			fds = append(fds, fd)
			if err := unix.Bind(fd, &unix.SockaddrInet4{Port: port}); err != nil {
				return err
			}
		}
		return nil
	}))
	t.Cleanup(func() {
		for _, fd := range fds {
			must(t, unix.Close(fd))
		}
	})
	var signature Signature
	expect(t, Request{From: p.c, To: serverAddr4, Proto: "udp", Port: udpPort, Wait: 10 * time.Second, Sending: func(got Signature) { signature = got }}, engine.OK, "")
	if engine.TestPort(signature.SPort) || signature.SPort == 0 {
		t.Errorf("it is sent from %d", signature.SPort)
	}
}

// A port comes again only after all others, and one that may have left a tracked
// flow behind only after a while.
func TestPortsInTurn(t *testing.T) {
	var s sources
	now := time.Now()
	if a, b := s.next(1, now), s.next(2, now); a != b || a != engine.TestPortFirst {
		t.Errorf("two labs begin with %d and %d", a, b)
	}
	for range portCount - 1 {
		s.free(1, s.next(1, now))
	}
	if got := s.next(1, now); got != engine.TestPortFirst+1 {
		t.Errorf("after all others comes %d, though %d rests", got, engine.TestPortFirst)
	}
	now = now.Add(resting)
	for range portCount - 2 {
		s.free(1, s.next(1, now))
	}
	if got := s.next(1, now); got != engine.TestPortFirst {
		t.Errorf("when it has rested, %d comes, not %d", got, engine.TestPortFirst)
	}
	for lab := range uint64(3 * portsKept) {
		s.next(lab, now.Add(time.Duration(lab)*resting))
	}
	if len(s.given) > portsKept {
		t.Errorf("%d labs are remembered", len(s.given))
	}
}

// Where all rest, one is given out all the same, each in its turn.
func TestPortsThatAllRest(t *testing.T) {
	var s sources
	now := time.Now()
	for range 2 {
		for i := range portCount {
			if got := s.next(1, now); got != engine.TestPortFirst+i {
				t.Fatalf("%d comes instead of %d", got, engine.TestPortFirst+i)
			}
		}
	}
}

// dump returns what tcpdump prints of what goes on in a node meanwhile, up to an echo
// reply.
func dump(t *testing.T, n Node, filter string, during func()) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "tcpdump", "-n", "-l", "-i", "any", filter)
	out, err := cmd.StdoutPipe()
	must(t, err)
	errs, err := cmd.StderrPipe()
	must(t, err)
	must(t, netns.Do(n.NS, cmd.Start))
	begin := bufio.NewScanner(errs)
	for begin.Scan() && !strings.HasPrefix(begin.Text(), "listening on") {
		t.Log(begin.Text())
	}
	during()
	var printed strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		printed.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), "ICMP echo reply") {
			break
		}
	}
	must(t, cmd.Process.Kill())
	_ = cmd.Wait() // it was killed
	return printed.String()
}
