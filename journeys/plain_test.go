package journeys

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"underlay/course/format"
	"underlay/course/lesson"
	"underlay/engine/typist"
)

// piped runs the program with its input and outputs on pipes, as a script does.
func piped(t *testing.T, state, input string, args ...string) (out, errs string, code int) {
	t.Helper()
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, bin, append([]string{"--state", state}, args...)...)
	var o, e bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &o, &e
	cmd.Env = append(os.Environ(), "LANG=C.UTF-8", "TERM=xterm-256color")
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil || ctx.Err() != nil {
		t.Fatalf("%v: %v\n%s", args, err, o.String())
	}
	return o.String(), e.String(), cmd.ProcessState.ExitCode()
}

// tells fails unless these texts were said one after the other, in plain text.
func tells(t *testing.T, said string, parts ...string) {
	t.Helper()
	if strings.ContainsAny(said, "\x1b\r\b") {
		t.Errorf("control characters in %q", said)
	}
	rest := said
	for _, p := range parts {
		_, after, ok := strings.Cut(rest, p)
		if !ok {
			t.Fatalf("not said, or not in this place: %q; it said:\n%s", p, said)
		}
		rest = after
	}
}

// TestPlainLesson reads the first lesson. It commits to a wrong prediction, which
// the kernel marks, passes the others by, and answers the first choice wrongly and
// then rightly.
func TestPlainLesson(t *testing.T) {
	book, err := lesson.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	lesson, err := book.Lesson("netns-veth")
	if err != nil {
		t.Fatal(err)
	}
	state := t.TempDir()
	var input strings.Builder
	input.WriteString("netns-veth\n")
	answered, predicted := false, false
	for _, b := range lesson.Blocks {
		q := b.Quiz
		if b.Predict != nil && !predicted {
			input.WriteString("a\n")
			predicted = true
			continue
		}
		if q != nil && !answered && !q.Free() && !q.Multiple() {
			right := q.Right()[0]
			fmt.Fprintf(&input, "%c\n%c\n", 'a'+(right+1)%len(q.Options), 'a'+right)
			answered = true
			continue
		}
		if q != nil || b.Predict != nil {
			input.WriteString("\n")
		}
	}
	if !answered || !predicted {
		t.Fatal("the lesson has no prediction, or no question with one right option")
	}
	said, errs, code := piped(t, state, input.String()+"list\nquit\n", "--plain")
	if code != 0 || errs != "" {
		t.Errorf("it ended with %d and %q", code, errs)
	}
	tells(t, said, "1. lesson netns-veth", "Not read yet.", "Lesson: "+lesson.Title, "Figure: ", "Typed in c1:", "    $ ip -br link",
		"Prediction", "How does it arrive?", "You have committed to a.", "Typed in host:", "    $ ip link set eth0 netns c1", "Not so. You said a, the kernel confirms d: Switched off",
		"Asked: ", "Seen: eth0 in c1 has no IPv4 address", "Prediction", "Who answers?", "or Enter to go on: \n", "Not quite.", "Right.", "end of the lesson", "Type: lab netns-veth", "underlay> list", "lesson netns-veth: "+lesson.Title+". Read.", "underlay> quit")
	shown, _, _ := piped(t, state, "", "progress", "show")
	tells(t, shown, "netns-veth", "read", "1 right and 2 wrong answers")
}

// TestPlainLab solves a lab by typing its solution.
func TestPlainLab(t *testing.T) {
	catalogue, err := format.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	lab, err := catalogue.Lab("netns-veth")
	if err != nil {
		t.Fatal(err)
	}
	state := t.TempDir()
	lines := append([]string{":hint"}, typist.Lines(lab.Solution.Text)...)
	lines = append(lines, "ls --color=auto /proc/self/ns", ":node c1", "ping -c1 127.0.0.1", ":tasks", ":quit")
	said, errs, code := piped(t, state, strings.Join(lines, "\n")+"\n", "--plain", "lab", lab.ID)
	if code != 0 || errs != "" {
		t.Errorf("it ended with %d and %q", code, errs)
	}
	tells(t, said, "Tasks: 0 of 5 done.", "(now) ", "Wanted: ", "host> :hint", "Hint 1 of 4: ",
		"host> ip link add", "Done: ", "1 of 5 tasks done.", "5 of 5 tasks done.", "Solved: "+lab.Title, "with 1 hint", "Next: the lesson",
		"host> ls", "net", "You are in c1.", "c1> ping", "1 received", "c1> :tasks", "Tasks: 5 of 5 done.", "c1> :quit", "It is solved.")
	for i := range lab.Tasks {
		if n := strings.Count(strings.Join(strings.Fields(said), " "), "Done: "+lab.Tasks[i].Goal); n != 1 {
			t.Errorf("task %s was announced %d times", lab.Tasks[i].ID, n)
		}
	}
	shown, _, _ := piped(t, state, "", "progress", "show")
	tells(t, shown, "netns-veth", "solved")
}

// TestPlainEndsUnsolved: the end of the input is a normal end, solved or not.
func TestPlainEndsUnsolved(t *testing.T) {
	said, errs, code := piped(t, t.TempDir(), "ip -br link\n", "--plain", "lab", "netns-veth")
	if code != 0 || errs != "" {
		t.Errorf("it ended with %d and %q", code, errs)
	}
	tells(t, said, "host> ip -br link", "LOOPBACK", "0 of 5 tasks done; what you have done is recorded.")
}

// TestScreensNeedATerminal: nothing is drawn into a file, and nothing is started.
func TestScreensNeedATerminal(t *testing.T) {
	for _, args := range [][]string{{}, {"lab", "netns-veth"}} {
		state := filepath.Join(t.TempDir(), "state")
		out, errs, code := piped(t, state, "", args...)
		if code != 2 || out != "" || !strings.HasPrefix(errs, "error: ") || !strings.Contains(errs, "\nhint: use --plain") {
			t.Errorf("%q ended with %d, said %q and complained %q", args, code, out, errs)
		}
		if _, err := os.Stat(state); !os.IsNotExist(err) {
			t.Errorf("%q left something behind: %v", args, err)
		}
	}
}

// TestPlainOnATerminal: Ctrl-C stops the program in the lab and not the tutor.
func TestPlainOnATerminal(t *testing.T) {
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	// A terminal that cannot draw gets the dialogue without being asked.
	dumb := filepath.Join(t.TempDir(), "underlay")
	if err := os.WriteFile(dumb, []byte("#!/bin/sh\nTERM=dumb exec "+bin+" \"$@\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	v := departWith(t, dumb, 100, 60, t.TempDir(), "lab", "netns-veth")
	v.untilText("host>")
	v.types("ping 127.0.0.1\r")
	v.untilText("icmp_seq=2")
	v.types("\x03")
	v.untilText("packets transmitted")
	v.types("echo still $((40+2))\r")
	v.untilText("still 42")
	v.types(":quit\r")
	if code := v.untilEnd(); code != 0 {
		t.Errorf("it ended with %d", code)
	}
}
