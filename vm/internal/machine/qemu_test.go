package machine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"underlay/vm/internal/plan"
)

func TestEventsAreRead(t *testing.T) {
	const begun, ended = `{"step":"a"}` + "\n", `{"step":"a","result":{"exit":1}}` + "\n"
	for name, c := range map[string]struct {
		line string
		done bool
		want int
		err  string
	}{
		"to the end":       {begun + ended + `{"done":true}` + "\nmore", true, 2, ""},
		"ended too soon":   {begun + ended, false, 2, ""},
		"in the middle":    {begun + `{"step":"a","res`, false, 1, "read the serial line: unexpected EOF"},
		"a line of noise":  {begun + "Kernel panic\n", false, 1, "read the serial line: invalid character 'K' looking for beginning of value"},
		"nothing was said": {"", false, 0, ""},
	} {
		var got []plan.Event
		done, err := read(strings.NewReader(c.line), func(e plan.Event) { got = append(got, e) })
		said := ""
		if err != nil {
			said = err.Error()
		}
		if done != c.done || len(got) != c.want || said != c.err {
			t.Errorf("%s: done %v, %d events, %q", name, done, len(got), said)
		}
	}
}

func TestLastWords(t *testing.T) {
	m := Machine{Console: filepath.Join(t.TempDir(), "console.log")}
	if got := m.lastWords(); got != "its console is empty" {
		t.Errorf("no console: %q", got)
	}
	if err := os.WriteFile(m.Console, []byte(strings.Repeat("early\n", 1000)+"Kernel panic\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := m.lastWords(); !strings.HasSuffix(got, "early\nKernel panic\n") || len(got) > maxLastWords+100 {
		t.Errorf("%d bytes: %q", len(got), got)
	}
}

// TestMachineThatDoesNotStart has a QEMU that ends at once.
func TestMachineThatDoesNotStart(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	qemu := "#!/bin/sh\necho 'qemu: could not load the kernel' >&2\nexit 1\n"
	if err := os.WriteFile(filepath.Join(dir, Program), []byte(qemu), 0o755); err != nil {
		t.Fatal(err)
	}
	m := Machine{Kernel: "none", Initrd: "none", Console: filepath.Join(dir, "console.log")}
	err := m.Run(t.Context(), func(e plan.Event) { t.Errorf("an event: %+v", e) })
	for _, want := range []string{"ended before it was done", "exit status 1", "could not load the kernel"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}
