package trail_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"underlay/engine"
	"underlay/trail"
)

// TestText draws every recorded report, as wide as terminals are.
func TestText(t *testing.T) {
	for _, r := range recordings() {
		a := recorded(t, r.name)
		var b strings.Builder
		for _, w := range []int{40, 60, 80, 120} {
			fmt.Fprintf(&b, "== %d\n%s", w, trail.Text(a, w, trail.Options{}))
		}
		fmt.Fprintf(&b, "== 60 ascii\n%s", trail.Text(a, 60, trail.Options{ASCII: true}))
		fmt.Fprintf(&b, "== 60 full\n")
		tr := trail.Of(a, 60, trail.Options{})
		for _, s := range tr.Steps {
			for _, l := range append(s.Above, s.Full...) {
				b.WriteString(l.String() + "\n")
			}
		}
		golden(t, filepath.Join("testdata", r.name+".txt"), b.String())
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
