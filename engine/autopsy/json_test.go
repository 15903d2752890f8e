package autopsy_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestJSON holds a report's JSON to its names, which programs rely on.
func TestJSON(t *testing.T) {
	l := open(t, published())
	tracked, err := json.Marshal(l.trace(t, tcp("lan", "192.168.50.1", 8080)).Tracked)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.run(t.Context(), "host", "iptables -P FORWARD DROP"); err != nil {
		t.Fatal(err)
	}
	r := l.trace(t, tcp("lan", "192.168.50.1", 8080))
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		Flow, Verdict map[string]any
		Hops          []map[string]any
		All           map[string]any `json:"-"`
	}
	if err := json.Unmarshal(b, &report); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &report.All); err != nil {
		t.Fatal(err)
	}
	var entries []map[string]any
	if err := json.Unmarshal(tracked, &entries); err != nil || len(entries) != 1 {
		t.Fatalf("%v: %s", err, tracked)
	}
	names := func(m map[string]any) string { return strings.Join(slices.Sorted(maps.Keys(m)), " ") }
	for _, c := range []struct{ what, got, want string }{
		{"report", names(report.All), "address detail flow hops outcome took_ms verdict"},
		{"flow", names(report.Flow), "from port proto to"},
		{"verdict", names(report.Verdict), "args code direction node object reason text"},
		{"arguments", names(report.Verdict["args"].(map[string]any)), "chain hook in node out packet way"},
		{"first hop", names(report.Hops[0]), "at_ms died direction header hooks node out packet"},
		{"last hop", names(report.Hops[len(report.Hops)-1]), "at_ms decisions died direction header hooks in node packet"},
		{"conntrack", names(entries[0]), "node orig reply state"},
		{"outcome", report.All["outcome"].(string), "dropped"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, not %s", c.what, c.got, c.want)
		}
	}
	decisions := report.Hops[len(report.Hops)-1]["decisions"].([]any)
	var got []string
	for _, d := range decisions {
		got = append(got, names(d.(map[string]any)))
	}
	if len(got) != 2 || got[0] != "after backend before chain does family hook rule table" || got[1] != "backend chain does family hook table" {
		t.Errorf("decisions: %s", strings.Join(got, "; "))
	}
}
