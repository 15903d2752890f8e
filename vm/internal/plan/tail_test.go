package plan

import (
	"strings"
	"testing"
)

func TestTailKeepsTheEnd(t *testing.T) {
	var all Tail
	for range 3 {
		all.Add("line\n")
	}
	if got := all.String(); got != "line\nline\nline\n" {
		t.Errorf("got %q", got)
	}
	var end Tail
	for range maxOutput/100 + 10 {
		end.Add(strings.Repeat("x", 99) + "\n")
	}
	end.Add("last\n")
	got := end.String()
	if !strings.HasPrefix(got, "… the beginning is left out\nxxx") || !strings.HasSuffix(got, "\nlast\n") || len(got) > maxOutput+100 {
		t.Errorf("%d bytes, from %.60q to %q", len(got), got, got[len(got)-30:])
	}
}
