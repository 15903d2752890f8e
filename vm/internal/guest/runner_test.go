package guest

import (
	"strings"
	"testing"
)

func TestTailKeepsTheEnd(t *testing.T) {
	var all tail
	for range 3 {
		if n, err := all.Write([]byte("line\n")); n != 5 || err != nil {
			t.Fatal(n, err)
		}
	}
	if got := all.String(); got != "line\nline\nline\n" {
		t.Errorf("got %q", got)
	}
	var end tail
	line := []byte(strings.Repeat("x", 99) + "\n")
	for range maxOutput/100 + 10 {
		if _, err := end.Write(line); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := end.Write([]byte("last \xff\n")); err != nil {
		t.Fatal(err)
	}
	got := end.String()
	if !strings.HasPrefix(got, "… the beginning is left out\nxxx") || !strings.HasSuffix(got, "\nlast \uFFFD\n") || len(got) > maxOutput+100 {
		t.Errorf("%d bytes, from %.60q to %q", len(got), got, got[len(got)-30:])
	}
}
