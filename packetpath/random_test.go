package packetpath_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"

	"underlay/engine"
	"underlay/packetpath"
)

var (
	aName   = rapid.StringMatching(`[a-z][a-z0-9-]{0,14}`)
	aText   = rapid.StringMatching(`([!-~]{1,20} ){0,20}[!-~]{1,90}`)
	anyText = rapid.OneOf(aText, rapid.String())
	aDevice = rapid.StringMatching(`[a-z0-9@.-]{0,15}`)
)

func aHeader() *rapid.Generator[engine.Header] {
	return rapid.Custom(func(t *rapid.T) engine.Header {
		addr := rapid.SampledFrom([]string{"10.0.0.1", "192.168.150.250", "fd00:1234:5678:9abc:def0:1234:5678:9abc", "::1", ""})
		port := rapid.SampledFrom([]int{0, 80, 54321})
		return engine.Header{Src: addr.Draw(t, "src"), Dst: addr.Draw(t, "dst"), SPort: port.Draw(t, "sport"), DPort: port.Draw(t, "dport")}
	})
}

func aDecision() *rapid.Generator[engine.Decision] {
	return rapid.Custom(func(t *rapid.T) engine.Decision {
		d := engine.Decision{
			Hook: "forward", Backend: rapid.SampledFrom([]string{"", "nft", "iptables-nft", "iptables-legacy"}).Draw(t, "backend"),
			Family: "ip6", Table: aName.Draw(t, "table"), Chain: aName.Draw(t, "chain"), Rule: anyText.Draw(t, "rule"),
			Does: rapid.SampledFrom([]string{"accept", "drop", "reject", "dnat", "translate"}).Draw(t, "does"),
		}
		if rapid.Bool().Draw(t, "rewrites") {
			before, after := aHeader().Draw(t, "before"), aHeader().Draw(t, "after")
			d.Before, d.After = &before, &after
		}
		return d
	})
}

// aReport is any report, also such as no autopsy would give.
func aReport() *rapid.Generator[*engine.Autopsy] {
	way := rapid.SampledFrom([]engine.Direction{engine.DirectionRequest, engine.DirectionReply, engine.DirectionError, engine.DirectionARP, ""})
	hop := rapid.Custom(func(t *rapid.T) engine.Hop {
		return engine.Hop{
			Node: aName.Draw(t, "node"), Direction: way.Draw(t, "direction"), In: aDevice.Draw(t, "in"), Out: aDevice.Draw(t, "out"),
			Through: rapid.SliceOfN(aDevice, 0, 3).Draw(t, "through"), Packet: anyText.Draw(t, "packet"), Header: aHeader().Draw(t, "header"),
			Inside:    rapid.SampledFrom([]string{"", "VXLAN 42, 192.168.0.1:5 → 192.168.0.2:4789"}).Draw(t, "inside"),
			Decisions: rapid.SliceOfN(aDecision(), 0, 3).Draw(t, "decisions"), AtMS: rapid.Float64Range(0, 1e6).Draw(t, "at"),
			Died: rapid.IntRange(0, 5).Draw(t, "died") == 0,
		}
	})
	return rapid.Custom(func(t *rapid.T) *engine.Autopsy {
		a := &engine.Autopsy{
			Flow:    engine.Flow{From: aName.Draw(t, "from"), To: "10.0.0.2", Proto: "icmp"},
			Outcome: rapid.SampledFrom([]engine.Ending{engine.EndingDelivered, engine.EndingRefused, engine.EndingDropped, engine.EndingUnreachable, engine.EndingUndetermined}).Draw(t, "outcome"),
			Hops:    rapid.SliceOfN(hop, 0, 25).Draw(t, "hops"),
			Detail:  anyText.Draw(t, "detail"), Blind: rapid.SliceOfN(anyText, 0, 2).Draw(t, "blind"),
		}
		if a.Outcome != engine.EndingDelivered {
			a.Verdict = engine.Verdict{Node: rapid.OneOf(aName, rapid.Just("")).Draw(t, "at"), Object: aText.Draw(t, "object"), Direction: way.Draw(t, "way"), Text: anyText.Draw(t, "text")}
		}
		for range rapid.IntRange(0, 2).Draw(t, "tracked") {
			a.Tracked = append(a.Tracked, engine.Tracking{Node: aName.Draw(t, "node"), Orig: aHeader().Draw(t, "orig"), Reply: aHeader().Draw(t, "reply")})
		}
		return a
	})
}

// bare is what lines say, without what they are drawn with and without blanks:
// what a line break parts is together again.
func bare(lines []packetpath.Line) string {
	var b strings.Builder
	for _, l := range lines {
		for _, s := range l {
			if s.Role != packetpath.Rail && s.Role != packetpath.Time {
				b.WriteString(strings.ReplaceAll(s.Text, " ", ""))
			}
		}
	}
	return b.String()
}

// TestAnyReport holds a path of any report in any width to what it promises.
func TestAnyReport(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := aReport().Draw(t, "report")
		width := rapid.IntRange(1, 140).Draw(t, "width")
		o := packetpath.Options{ASCII: rapid.Bool().Draw(t, "ascii")}
		tr := packetpath.Of(a, width, o)
		all := tr.Lines()
		for _, s := range tr.Steps {
			all = append(all, s.Full...)
		}
		for _, l := range all {
			for _, s := range l {
				if strings.ContainsAny(s.Text, "\n\t\x1b") {
					t.Fatalf("%q is not text", s.Text)
				}
			}
			if n := ansi.StringWidth(l.String()); n > width {
				t.Fatalf("%q is %d cells wide, not %d", l, n, width)
			}
			if s := l.String(); o.ASCII && strings.ContainsFunc(s, func(r rune) bool { return r > '~' }) {
				t.Fatalf("%q is not ASCII", s)
			}
		}
		if width < 8 {
			return // room for no more than the rail
		}
		holdSteps(t, a, tr)
		if object := strings.ReplaceAll(a.Verdict.Object, " ", ""); !strings.Contains(bare(tr.Lines()), object) && len(tr.Steps) > 0 {
			t.Fatalf("%q, the object of the verdict, is not told:\n%s", a.Verdict.Object, packetpath.Text(a, width, o))
		}
	})
}

// holdSteps holds the steps of a path to the hops of its report.
func holdSteps(t *rapid.T, a *engine.Autopsy, tr *packetpath.Path) {
	for i, h := range a.Hops {
		s := tr.Steps[i]
		if s.Hop != i || !strings.Contains(bare(s.Lines), h.Node) || !strings.Contains(bare(s.Full), h.Node) {
			t.Fatalf("hop %d in %s is told as %q", i, h.Node, fmt.Sprint(s.Lines))
		}
	}
	if n := len(tr.Steps) - len(a.Hops); n < 0 || n > 1 {
		t.Fatalf("%d hops are %d steps", len(a.Hops), len(tr.Steps))
	}
	switch {
	case a.Outcome == engine.EndingDelivered && tr.Death >= 0:
		t.Fatalf("delivered, it died at step %d", tr.Death)
	case a.Outcome != engine.EndingDelivered && len(tr.Steps) > 0 && (tr.Death < 0 || tr.Death >= len(tr.Steps)):
		t.Fatalf("it died at step %d of %d", tr.Death, len(tr.Steps))
	}
	for i := range tr.Steps {
		marked := false
		for _, l := range tr.Steps[i].Lines {
			for _, s := range l {
				marked = marked || s.Role == packetpath.Dead && strings.Contains(s.Text, "here")
			}
		}
		if marked != (i == tr.Death) {
			t.Fatalf("step %d is marked as the death: %v, which is at %d", i, marked, tr.Death)
		}
	}
}
