package journeys

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// save puts a file in the place of the old one, as editors do.
func save(t *testing.T, path, text string) {
	t.Helper()
	swap := filepath.Join(filepath.Dir(path), ".save")
	if err := os.WriteFile(swap, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(swap, path); err != nil {
		t.Fatal(err)
	}
}

// inTerminal returns the command of docs/AUTHORING.md that is typed in a
// terminal of its own.
func inTerminal(t *testing.T) []string {
	t.Helper()
	page, err := os.ReadFile("../docs/AUTHORING.md")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("(?m)^```console\n\\$ underlay (.*)\n```$").FindAllStringSubmatch(string(page), -1)
	if len(m) != 1 {
		t.Fatalf("docs/AUTHORING.md has %d commands for a terminal, want one", len(m))
	}
	return strings.Fields(m[0][1])
}

// unwrapped is what a dialog and the wrapping of its lines put into a text.
var unwrapped = regexp.MustCompile(`[\s│]+`)

// TestWatch writes a lab while it is open on the screen.
func TestWatch(t *testing.T) {
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	args := inTerminal(t) // author watch ID --content DIR
	id, dir := args[2], filepath.Join(home, args[4])
	args[4] = dir
	if out, err := exec.Command(bin, "author", "new", id, "--dir", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	file := filepath.Join(dir, "labs", "my-labs", id, "lab.yaml")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	good := string(b)
	const goal = "client sends what is meant for"
	v := depart(t, 100, 30, home, args...)
	v.untilText(goal, "client:~#")
	v.command("echo typed-$((6*7))")
	v.untilText("typed-42")

	// What is saved shows, in a world that is new.
	better := strings.Replace(good, goal, "client finds its way for", 1)
	save(t, file, better)
	v.until("the new goal and a new shell", func(s string) bool {
		return strings.Contains(s, "client finds its way") && !strings.Contains(s, "typed-42") && strings.Contains(s, "client:~#")
	})

	// What is wrong is told, and what was there stays.
	save(t, file, strings.Replace(better, "proto: http", "proto: htp", 1))
	v.until("what is wrong, and where", func(s string) bool {
		s = unwrapped.ReplaceAllString(s, "")
		return strings.Contains(s, "Itcannotberead") && strings.Contains(s, "lab.yaml:52:70:protomustbeoneoficmp,tcp,udp,http") &&
			strings.Contains(s, "clientfindsitsway")
	})

	// Mended, and a lesson that is saved shows, too.
	save(t, file, better)
	v.until("the words are gone", func(s string) bool { return !strings.Contains(s, "It cannot be read") })
	v.types(f3)
	v.untilText("A machine knows the networks")
	lesson := filepath.Join(dir, "lessons/my-labs/1-"+id+".md")
	b, err = os.ReadFile(lesson)
	if err != nil {
		t.Fatal(err)
	}
	save(t, lesson, strings.Replace(string(b), "A machine knows the networks", "What was written since", 1))
	v.untilText("What was written since")
	v.types(f3)
	v.untilText("client finds its way", "F10")
	v.leave()
}
