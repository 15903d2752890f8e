package guest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
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
	got, _ := r.run(plan.Step{Name: "a", Root: true, Dir: t.TempDir(), Command: []string{"sh", "-c", "echo begun; exec sleep 60"}, Limit: 300 * time.Millisecond})
	if got.Exit != -1 || got.Error != "still running after 300ms" || line.String() != `{"step":"a","output":"begun\n"}`+"\n" {
		t.Errorf("%+v after %q", got, line.String())
	}
}

// TestAStepThatHangsSaysWhere: it is sent the signal at which a program in Go prints its
// goroutines. One that goes on printing is left alone.
func TestAStepThatHangsSaysWhere(t *testing.T) {
	const hangs = `trap 'echo in the middle; exit 2' QUIT; echo begun; while :; do :; done` // no child, of whose end the shell would tell or not
	const prints = `for i in 1 2 3 4 5 6; do echo $i; sleep 0.1; done`
	for name, c := range map[string]struct {
		program, said, error string
		asked                int
	}{
		"hangs":  {hangs, "begun\nin the middle\n", "it hung: it printed nothing for 300ms", 1},
		"prints": {prints, "1\n2\n3\n4\n5\n6\n", "", 0},
	} {
		asked := 0
		r := &runner{blocked: func() { asked++ }, events: json.NewEncoder(io.Discard)}
		got, said := r.run(plan.Step{Name: "a", Root: true, Dir: t.TempDir(), Command: []string{"sh", "-c", c.program}, Limit: time.Minute, Silence: 300 * time.Millisecond})
		if got.Error != c.error || said != c.said || asked != c.asked {
			t.Errorf("%s: %+v after %q, the kernel was asked %d times", name, got, said, asked)
		}
	}
}

// TestWhatFailsIsRunAgain has a program that fails at the first call and not at the
// second, for which it is told what to run.
func TestWhatFailsIsRunAgain(t *testing.T) {
	var line bytes.Buffer
	r := &runner{events: json.NewEncoder(&line)}
	dir := t.TempDir()
	const program = `echo "=== RUN   TestA"; echo "--- PASS: TestA (0.00s)"; if mkdir been 2>/dev/null; then echo "--- FAIL: TestB (0.00s)"; exit 1; fi; echo "$@" > args; echo "--- PASS: TestB (0.00s)"`
	got := r.runTwice(plan.Step{Name: "a", Kind: plan.GoTest, Root: true, Dir: dir, Command: []string{"sh", "-c", program, "x"}, Limit: time.Minute})
	args, err := os.ReadFile(filepath.Join(dir, "args"))
	if got.Exit != 1 || got.Again == nil || got.Again.Exit != 0 || string(args) != "-test.run ^(TestB)$\n" {
		t.Errorf("%+v, then %+v of %q, %v", got, got.Again, args, err)
	}
	if !strings.Contains(line.String(), `{"step":"a, again","output":"=== RUN   TestA\n`) {
		t.Errorf("it said\n%s", &line)
	}
	if once := r.runTwice(plan.Step{Name: "b", Kind: plan.GoTest, Root: true, Dir: dir, Command: []string{"true"}, Limit: time.Minute}); once.Again != nil {
		t.Errorf("nothing failed, and it ran again: %+v", once.Again)
	}
}
