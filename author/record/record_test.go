package record

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"underlay/author/draft"
	"underlay/author/scaffold"
	"underlay/course/lesson"
	"underlay/engine"
	"underlay/engine/sandbox"
	"underlay/engine/sandbox/sandboxtest"
	"underlay/engine/session"
)

func TestMain(m *testing.M) { os.Exit(sandboxtest.Main(m)) }

func opener(t *testing.T) engine.Opener {
	t.Helper()
	sb, err := sandbox.New()
	if err != nil {
		t.Fatal(err)
	}
	return session.Opener{Sandbox: sb}
}

// TestLessonsSayWhatTheKernelSays runs every command that the lessons show.
func TestLessonsSayWhatTheKernelSays(t *testing.T) {
	c, err := draft.Read(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range c.Lessons {
		if lab, err := c.Lab(l.Lab); err == nil && lab.Cluster != nil {
			continue // its proofs run them, where there are clusters
		}
		t.Run(l.ID, func(t *testing.T) {
			t.Parallel()
			says(t, c, l)
		})
	}
}

// says fails for every command of a lesson that prints something else.
func says(t *testing.T, c *draft.Draft, l draft.Lesson) {
	t.Helper()
	lab, err := c.Lab(l.Lab)
	if err != nil {
		t.Fatal(err)
	}
	steps, err := Run(t.Context(), opener(t), lab, l.Lesson)
	if err != nil {
		t.Fatal(err)
	}
	if len(steps) == 0 {
		t.Errorf("%s shows no command", l.ID)
	}
	for _, s := range Differences(steps) {
		t.Errorf("%s:%d: in %s: %s\nshown:\n%s\nprinted:\n%s", l.Shown, s.Line, s.Node, s.Command, s.Shown, s.Printed)
	}
}

func TestWhatAuthorNewWritesSaysWhatTheKernelSays(t *testing.T) {
	dir := t.TempDir()
	if _, err := scaffold.New(scaffold.Options{Dir: dir, ID: "demo", Module: "own"}, nil); err != nil {
		t.Fatal(err)
	}
	c, err := draft.Read([]string{dir})
	if err != nil || len(c.Problems) > 0 {
		t.Fatal(err, c.Problems)
	}
	says(t, c, c.Lessons[0])
}

// lesson parses run blocks as a lesson of the lab netns-veth.
func newLesson(t *testing.T, text string) (*lesson.Lesson, string) {
	t.Helper()
	text = "---\nid: x\ntitle: X\nminutes: 5\nobjectives: [see]\nlab: netns-veth\n---\n\n" + text
	book, err := lesson.Load(fstest.MapFS{
		"m/module.yaml": {Data: []byte("id: m\ntitle: M\norder: 1\nsummary: S.\n")},
		"m/1-x.md":      {Data: []byte(text)},
	})
	if err != nil {
		t.Fatal(err)
	}
	l, err := book.Lesson("x")
	if err != nil {
		t.Fatal(err)
	}
	return l, text
}

func run(t *testing.T, l *lesson.Lesson) ([]Step, error) {
	t.Helper()
	c, err := draft.Read(nil)
	if err != nil {
		t.Fatal(err)
	}
	lab, err := c.Lab(l.Lab)
	if err != nil {
		t.Fatal(err)
	}
	return Run(t.Context(), opener(t), lab, l)
}

const fence = "```"

// TestStates tries what the words of a run block mean.
func TestStates(t *testing.T) {
	t.Parallel()
	l, text := newLesson(t, strings.Join([]string{
		fence + "run host", "$ ip -br link show type veth", fence, "", // the first block: as built
		fence + "run c1", "before host: ip link add vc1 type veth peer name eth0 netns c1", "$ ip -o link show eth0 | wc -l", "wrong", fence, "", // goes on, with what is typed before
		fence + "run c1", "$ x=kept; ip -o link show eth0 | wc -l", "1", fence, "", // goes on
		fence + "run c1", "$ echo $x", "kept", fence, "", // in the same shell
		fence + "run c1 solved", "$ ip -br -4 addr show eth0", "nothing", "of this", "$ echo \"$x\"", fence, "", // afresh
		fence + "run c1 start", "$ ip -br link show eth0", "Device \"eth0\" does not exist.", fence, "",
	}, "\n"))
	steps, err := run(t, l)
	if err != nil {
		t.Fatal(err)
	}
	var printed []string
	for _, s := range steps {
		printed = append(printed, strings.Join(masked(s.Printed, false), "|"))
	}
	want := []string{"", "1", "1", "kept", "eth0@if<n> UP             172.17.0.2/24", "", `Device "eth0" does not exist.`}
	if !slices.Equal(printed, want) {
		t.Errorf("printed %q, want %q", printed, want)
	}
	var lines []int
	for _, s := range Differences(steps) {
		lines = append(lines, s.Line)
	}
	if want := []int{13, 29}; !slices.Equal(lines, want) {
		t.Errorf("the blocks at lines %v differ, want %v", lines, want)
	}
	written := Write(text, steps)
	if want := strings.NewReplacer("wrong\n", "1\n", "nothing\nof this\n", steps[4].Printed+"\n").Replace(text); written != want {
		t.Errorf("written:\n%s\nwant:\n%s", written, want)
	}
}

// TestDuring captures a packet that is sent once the capture listens.
func TestDuring(t *testing.T) {
	t.Parallel()
	l, _ := newLesson(t, fence+"run c1 solved\nduring host: ping -c1 -W1 172.17.0.2\n$ tcpdump -nnqt -c1 -i eth0 icmp 2>/dev/null\n"+
		"IP 172.17.0.1 > 172.17.0.2: ICMP echo request, id 1, seq 1, length 64\n"+fence+"\n")
	steps, err := run(t, l)
	if err != nil || len(steps) != 1 || !steps[0].Same() {
		t.Errorf("%+v, %v", steps, err)
	}
}

func TestCommandsThatCannotBeRecorded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ block, want string }{
		"no socket":      {"run c1 start\nduring host: true\n$ sleep 6", "sleep 6 in c1: opens no socket"},
		"a shell's end":  {"run c1 start\n$ exit", "exit in c1: the shell has ended"},
		"a prompt":       {"run c1 start\n$ echo '$ x'", "prints a line that a lesson would read as its own"},
		"an unknown one": {"run c1 start\nbefore nobody: true\n$ true", "nobody"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, _ := newLesson(t, fence+c.block+"\n"+fence+"\n")
			if _, err := run(t, l); err == nil || !strings.Contains(err.Error(), "m/1-x.md:9: ") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want it to name the line and say %q", err, c.want)
			}
		})
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	l, _ := newLesson(t, fence+"run c1 start\n$ sleep 60\n"+fence+"\n")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c, err := draft.Read(nil)
	if err != nil {
		t.Fatal(err)
	}
	lab, err := c.Lab(l.Lab)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Run(ctx, opener(t), lab, l); err == nil {
		t.Error("a cancelled recording ends well")
	}
}
