package guest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"underlay/vm/internal/plan"
)

// TestAStepIsToldLineByLine: what a step prints is said while it runs, so that one
// that never ends has said where it is.
func TestAStepIsToldLineByLine(t *testing.T) {
	var line bytes.Buffer
	r := &runner{events: json.NewEncoder(&line)}
	out := lines{r: r, step: "a"}
	for _, part := range []string{"one\ntw", "o\nthr\xffee\nfo", "ur"} {
		if n, err := out.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatal(n, err)
		}
	}
	out.end()
	var got []string
	for d := json.NewDecoder(&line); ; {
		var e plan.Event
		if err := d.Decode(&e); errors.Is(err, io.EOF) {
			break
		} else if err != nil || e.Step != "a" {
			t.Fatalf("%+v, %v", e, err)
		}
		got = append(got, e.Output)
	}
	if want := "one\n|two\nthr\uFFFDee\n|four"; strings.Join(got, "|") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAStepThatIsKilledHasSaidWhatItDid(t *testing.T) {
	var line bytes.Buffer
	r := &runner{events: json.NewEncoder(&line)}
	got := r.run(plan.Step{Name: "a", Root: true, Dir: t.TempDir(), Command: []string{"sh", "-c", "echo begun; exec sleep 60"}, Limit: 300 * time.Millisecond})
	if got.Exit != -1 || got.Error != "still running after 300ms" || line.String() != `{"step":"a","output":"begun\n"}`+"\n" {
		t.Errorf("%+v after %q", got, line.String())
	}
}
