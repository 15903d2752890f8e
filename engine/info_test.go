package engine

import (
	"slices"
	"strings"
	"testing"
)

func TestTheSameRequirementsAreAskedAboutOnce(t *testing.T) {
	var asked []string
	available := Available(func(requires []string) (reason, remedy string) {
		asked = append(asked, strings.Join(requires, " "))
		if slices.Contains(requires, "nat") {
			return "no nat", "load it"
		}
		return "", ""
	}).Once()
	for range 2 {
		for _, requires := range [][]string{nil, {"veth"}, {"veth", "nat"}} {
			want := ""
			if slices.Contains(requires, "nat") {
				want = "no nat: load it"
			}
			reason, remedy := available(requires)
			if got := strings.TrimPrefix(reason+": "+remedy, ": "); got != want {
				t.Errorf("%v: %q, want %q", requires, got, want)
			}
		}
	}
	if !slices.Equal(asked, []string{"", "veth", "veth nat"}) {
		t.Errorf("asked about %q", asked)
	}
}
