package packetpath_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gotest.tools/v3/golden"

	"underlay/engine"
	"underlay/packetpath"
)

// TestText draws every recorded report, as wide as terminals are.
func TestText(t *testing.T) {
	for _, r := range recordings() {
		a := recorded(t, r.name)
		var b strings.Builder
		for _, w := range []int{40, 60, 80, 120} {
			fmt.Fprintf(&b, "== %d\n%s", w, packetpath.Text(a, w, packetpath.Options{}))
		}
		fmt.Fprintf(&b, "== 60 ascii\n%s", packetpath.Text(a, 60, packetpath.Options{ASCII: true}))
		fmt.Fprintf(&b, "== 60 full\n")
		tr := packetpath.Of(a, 60, packetpath.Options{})
		for _, s := range tr.Steps {
			for _, l := range append(s.Above, s.Full...) {
				b.WriteString(l.String() + "\n")
			}
		}
		golden.Assert(t, b.String(), r.name+".txt")
	}
}

// recorded reads a report.
func recorded(t testing.TB, name string) *engine.Autopsy {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var a engine.Autopsy
	if err := json.Unmarshal(b, &a); err != nil {
		t.Fatal(err)
	}
	return &a
}
