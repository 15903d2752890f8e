package autopsy_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"golang.org/x/sys/unix"

	"underlay/engine"
	"underlay/engine/autopsy"
	"underlay/engine/internal/netns"
	"underlay/engine/probe"
)

// listenOn opens a socket in a node that nobody reads, for a device or with ""
// for all. It stays open for as long as the test runs.
func listenOn(node, network string, port int, dev string) func(*lab) error {
	return func(l *lab) error {
		for _, n := range l.instance.Nodes {
			if n.Name != node {
				continue
			}
			return netns.Do(n.NS, func() error {
				typ := unix.SOCK_STREAM
				if network == "udp" {
					typ = unix.SOCK_DGRAM
				}
				fd, err := unix.Socket(unix.AF_INET, typ|unix.SOCK_CLOEXEC, 0)
				if err != nil {
					return err
				}
				l.sockets = append(l.sockets, fd)
				if dev != "" {
					if err := unix.BindToDevice(fd, dev); err != nil {
						return err
					}
				}
				if err := unix.Bind(fd, &unix.SockaddrInet4{Port: port}); err != nil || typ != unix.SOCK_STREAM {
					return err
				}
				return unix.Listen(fd, 8)
			})
		}
		return errors.New("no such node")
	}
}

// judge says what is wrong with a report, "" if nothing is.
func (f *fault) judge(r *autopsy.Report) string {
	var wrong []string
	check := func(what string, got, want any) {
		if got != want {
			wrong = append(wrong, fmt.Sprintf("%s is %q, not %q", what, got, want))
		}
	}
	check("node", r.Verdict.Node, f.at)
	check("object", r.Verdict.Object, f.object)
	check("reason", r.Verdict.Reason, f.reason)
	if f.outcome != anyFailure {
		check("outcome", r.Outcome, f.outcome)
	}
	if f.dir != "" {
		check("direction", r.Verdict.Direction, f.dir)
	}
	if !strings.Contains(r.Verdict.Text, f.words) {
		wrong = append(wrong, fmt.Sprintf("its words lack %q", f.words))
	}
	return strings.Join(wrong, "; ")
}

// score counts verdicts by the family of what was broken.
type score struct{ faults, right, wrong, unknown int }

// TestCatalogue breaks topologies that work in one way at a time. Every verdict
// must be right; one that cannot be reached must be "not determined".
func TestCatalogue(t *testing.T) {
	faults := catalogue()
	if len(faults) < 40 {
		t.Fatalf("only %d faults", len(faults))
	}
	faults = share(t, faults)
	var mu sync.Mutex
	scores := map[string]*score{}
	t.Run("faults", func(t *testing.T) {
		for i := range faults {
			f := &faults[i]
			t.Run(f.topology+"/"+f.name, func(t *testing.T) {
				t.Parallel()
				r := f.examine(t)
				if r.Outcome == autopsy.Undetermined {
					// A busy machine may lose what was captured, and then this is the
					// honest answer. A wrong one is never looked at twice.
					t.Logf("looked at once more: %s", picture(r))
					r = f.examine(t)
				}
				mu.Lock()
				defer mu.Unlock()
				s := scores[f.family]
				if s == nil {
					s = &score{}
					scores[f.family] = s
				}
				s.faults++
				switch wrong := f.judge(r); {
				case wrong == "":
					s.right++
				case r.Outcome == autopsy.Undetermined:
					s.unknown++
					t.Errorf("not determined: %s\n%s", wrong, picture(r))
				default:
					s.wrong++
					t.Errorf("%s\n%s", wrong, picture(r))
				}
			})
		}
	})
	var out strings.Builder
	total := tabulate(&out, scores)
	t.Logf("\n%s", out.String())
	if 100*total.right < 95*total.faults || total.wrong > 0 {
		t.Errorf("%d of %d faults were named, %d wrongly", total.right, total.faults, total.wrong)
	}
}

// share returns the faults that are to be tried: all, or of two users who try them one
// share, which UNDERLAY_TEST_SHARE names as "2/3", for the second.
func share(t *testing.T, faults []fault) []fault {
	t.Helper()
	text := os.Getenv("UNDERLAY_TEST_SHARE")
	if text == "" {
		return faults
	}
	var part, parts int
	if n, err := fmt.Sscanf(text, "%d/%d", &part, &parts); n != 2 || err != nil || part < 1 || part > parts {
		t.Fatalf("UNDERLAY_TEST_SHARE is %q, not a share such as 2/3", text)
	}
	var out []fault
	for i := part - 1; i < len(faults); i += parts {
		out = append(out, faults[i])
	}
	t.Logf("share %s of the faults: %d of %d", text, len(out), len(faults))
	return out
}

// examine breaks the fault's topology and follows its flow.
func (f *fault) examine(t *testing.T) *autopsy.Report {
	t.Helper()
	topology := topologies[f.topology]()
	topology.Workloads = slices.DeleteFunc(topology.Workloads, f.idle)
	l := open(t, topology)
	steps := f.also
	if f.breaks != "" {
		steps = append([][2]string{{f.node, f.breaks}}, steps...)
	}
	for _, s := range steps {
		if err := l.run(t.Context(), s[0], s[1]); err != nil {
			t.Fatal(err)
		}
	}
	if f.listen != nil {
		if err := f.listen(l); err != nil {
			t.Fatal(err)
		}
	}
	if f.legacy != nil {
		l.assumeLegacy(t, f.node, f.legacy...)
	}
	if f.crowded {
		f.crowd(t, l)
	}
	if f.trace != nil {
		l.follow = f.trace
	}
	return l.trace(t, f.flow)
}

// idle reports whether a server can have nothing to do with the fault's flow: each is a
// process, of which hundreds of worlds would start thousands.
func (f *fault) idle(w engine.Workload) bool {
	if w.Kind == "dns" || strings.HasSuffix(w.Listen, ":53") { // it may look up a name
		return false
	}
	switch f.flow.Proto {
	case "tcp", "http":
		return w.Kind == "udp"
	case "udp":
		return w.Kind != "udp"
	}
	return true
}

// TestUndetermined breaks what an autopsy cannot see: it must say so, and where
// it saw the packet last.
func TestUndetermined(t *testing.T) {
	t.Parallel()
	l := open(t, router())
	r := l.trace(t, ping("a", "10.2.0.2"))
	if r.Outcome != autopsy.Delivered {
		t.Fatal(picture(r))
	}
	if err := l.run(t.Context(), "r", "ip xfrm policy add dir fwd src 10.1.0.2/32 dst 10.2.0.2/32 action block"); err != nil {
		t.Fatal(err)
	}
	r = l.trace(t, ping("a", "10.2.0.2"))
	if r.Outcome != autopsy.Undetermined || r.Verdict.Reason != autopsy.ReasonUnknown || r.Verdict.Node != "r" ||
		!strings.HasPrefix(r.Verdict.Text, "not determined, last seen at r") {
		t.Error(picture(r))
	}
	for _, words := range []string{"ruled out: rules, routes", "counted in r: XfrmInPolBlock +1", "next, run ip netns exec r nstat"} {
		if !strings.Contains(r.Verdict.Text, words) {
			t.Errorf("its words lack %q\n%s", words, picture(r))
		}
	}
}

// TestBlindOnce follows flows where rules cannot be traced. Counters and state must do. What they do not tell must
// not be said, and what they do tell is most of it. As root alone, as with labs.
func TestBlindOnce(t *testing.T) {
	var mu sync.Mutex
	all, unknown := 0, 0
	t.Run("faults", func(t *testing.T) {
		for _, f := range catalogue() {
			if f.topology != "cable" && f.topology != "router" {
				continue
			}
			t.Run(f.topology+"/"+f.name, func(t *testing.T) {
				t.Parallel()
				f.trace = autopsy.TraceBlind
				r := f.examine(t)
				mu.Lock()
				defer mu.Unlock()
				all++
				if r.Outcome == autopsy.Undetermined {
					unknown++
				} else if v := r.Verdict; v.Node != f.at || v.Object != f.object || v.Reason != f.reason {
					t.Errorf("{%s, %s, %s} is wrong\n%s", f.at, f.object, f.reason, picture(r))
				}
				if len(r.Blind) == 0 && len(r.Hops) > 0 {
					t.Error("the report does not say that it could not see the rules")
				}
			})
		}
	})
	t.Logf("%d of %d not determined", unknown, all)
	if unknown > all/4 {
		t.Error("too many")
	}
}

// TestSideBySide follows several flows of a lab at once.
func TestSideBySide(t *testing.T) {
	t.Parallel()
	l := open(t, router())
	if err := l.run(t.Context(), "r", "iptables -A FORWARD -p udp -j DROP"); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for _, want := range []struct {
		flow   autopsy.Flow
		reason autopsy.Reason
	}{
		{ping("a", "10.2.0.2"), autopsy.ReasonDelivered},
		{tcp("a", "10.2.0.2", 9000), autopsy.ReasonDelivered},
		{tcp("a", "10.2.0.2", 81), autopsy.ReasonNoListener},
		{udp("a", "10.2.0.2", 9001), autopsy.ReasonRuleDrop},
		{udp("b", "10.1.0.2", 9001), autopsy.ReasonRuleDrop},
	} {
		wg.Go(func() {
			want.flow.Wait = patience
			r, err := autopsy.Trace(t.Context(), l.instance, want.flow)
			if err != nil {
				t.Error(err)
			} else if r.Verdict.Reason != want.reason || len(r.Blind) > 0 {
				t.Errorf("not %s:\n%s", want.reason, picture(r))
			}
		})
	}
	wg.Wait()
}

// TestAmongOthersOnce follows flows while others go the same way. As root alone, as with
// labs.
func TestAmongOthersOnce(t *testing.T) {
	for _, f := range catalogue() {
		if f.topology != "published" && f.topology != "egress" {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			f.crowded = true
			r := f.examine(t)
			// How it ended is not looked at: so many errors are more than a
			// kernel sends.
			if v := r.Verdict; v.Node != f.at || v.Object != f.object || v.Reason != f.reason {
				t.Errorf("{%s, %s, %s} is wrong\n%s", f.at, f.object, f.reason, picture(r))
			}
		})
	}
}

// crowd sends what an autopsy is to tell from its own, until the test ends.
func (f *fault) crowd(t *testing.T, l *lab) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	t.Cleanup(func() { cancel(); wg.Wait() })
	for _, n := range l.instance.Nodes {
		if n.Name != f.flow.From {
			continue
		}
		wg.Go(func() {
			for ctx.Err() == nil {
				// How these end is of no interest.
				_, _ = probe.Do(ctx, probe.Request{
					From: probe.Node{Name: n.Name, NS: n.NS}, To: f.flow.To, Port: f.flow.Port, Proto: f.flow.Proto, Wait: 20 * time.Millisecond,
				})
			}
		})
	}
}

// tabulate writes the scores by family and returns their sum.
func tabulate(w io.Writer, scores map[string]*score) (total score) {
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "family\tfaults\tright\tnot determined\twrong\tnamed rightly\t")
	row := func(name string, s score) {
		percent := "–"
		if s.faults > 0 {
			percent = fmt.Sprintf("%.0f %%", 100*float64(s.right)/float64(s.faults))
		}
		fmt.Fprintf(tw, "%s\t%d\t%d\t%d\t%d\t%s\t\n", name, s.faults, s.right, s.unknown, s.wrong, percent)
	}
	for _, family := range families {
		if s := scores[family.name]; s != nil {
			row(family.name, *s)
			total = score{total.faults + s.faults, total.right + s.right, total.wrong + s.wrong, total.unknown + s.unknown}
		}
	}
	row("all", total)
	_ = tw.Flush() // a strings.Builder takes everything
	return total
}
