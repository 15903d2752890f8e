package packetpath_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"gotest.tools/v3/golden"
	"pgregory.net/rapid"

	"underlay/packetpath"
)

func TestWords(t *testing.T) {
	for _, r := range recordings() {
		a := recorded(t, r.name)
		var b strings.Builder
		for _, w := range []int{50, 76} {
			fmt.Fprintf(&b, "== %d\n", w)
			for _, l := range packetpath.Words(a, w, packetpath.Options{}) {
				b.WriteString(l.String() + "\n")
			}
		}
		golden.Assert(t, b.String(), r.name+".words.txt")
	}
}

// TestWordsOfAnyReport: they fit, begin with the verdict, name every node, and are
// drawn with nothing that a screen reader stumbles over.
func TestWordsOfAnyReport(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := aReport().Draw(t, "report")
		width := rapid.IntRange(1, 140).Draw(t, "width")
		said := packetpath.Words(a, width, packetpath.Options{ASCII: true})
		var all strings.Builder
		for _, l := range said {
			if n := ansi.StringWidth(l.String()); n > width {
				t.Fatalf("%q is %d cells wide, not %d", l, n, width)
			}
			for _, r := range l.String() {
				if r < ' ' || r > '~' {
					t.Fatalf("%q is not ASCII", l)
				}
			}
			all.WriteString(strings.ReplaceAll(l.String(), " ", ""))
		}
		for i, h := range a.Hops {
			if width >= 8 && !strings.Contains(all.String(), fmt.Sprintf("%d.%s:", i+1, h.Node)) {
				t.Fatalf("hop %d in %s is not told:\n%s", i+1, h.Node, said)
			}
		}
	})
}
