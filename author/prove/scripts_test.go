package prove

import (
	"testing"

	"underlay/engine"
)

func TestMisanswered(t *testing.T) {
	for _, c := range []struct {
		want    string
		answers []string
		wrong   string
	}{
		{"no-up", []string{"no-up"}, ""},
		{"no-up", nil, "no misconception answers it; it must be no-up"},
		{"no-up", []string{"no-up", "swapped"}, "2 misconceptions answer it (no-up, swapped); it must be no-up alone"},
		{"no-up", []string{"swapped"}, "misconception swapped answers it; it must be no-up"},
		{engine.NoMisconception, nil, ""},
		{engine.NoMisconception, []string{"no-up", "swapped"}, "misconception no-up, swapped answers it; none must"},
	} {
		if got := misanswered(c.want, c.answers); got != c.wrong {
			t.Errorf("%s for %q: %q, want %q", c.want, c.answers, got, c.wrong)
		}
	}
}
