package journeys

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"underlay/course/format"
	"underlay/engine/companion"
	"underlay/engine/typist"
)

// termios returns a terminal's modes.
func termios(t *testing.T, f *os.File) unix.Termios {
	t.Helper()
	raw, err := f.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var modes *unix.Termios
	if cerr := raw.Control(func(fd uintptr) { modes, err = unix.IoctlGetTermios(int(fd), unix.TCGETS) }); cerr != nil || err != nil {
		t.Fatal(cerr, err)
	}
	return *modes
}

// shellLines are the rows of the shell pane: what is right of the divider, or the
// whole row where there is one pane only. The divider begins in the row of the tabs.
func shellLines(screen string) []string {
	rows := strings.Split(screen, "\n")
	divider := slices.Index([]rune(rows[0]), '│')
	var out []string
	for _, row := range rows {
		cells := []rune(row)
		out = append(out, strings.TrimRight(string(cells[min(divider+1, len(cells)):]), " "))
	}
	return out
}

var prompt = regexp.MustCompile(`^ ?([a-z0-9-]+:\S*#|>)$`) // or that of a here-document

// atPrompt reports whether the last thing in the shell pane is an empty prompt.
func atPrompt(screen string) bool {
	rows := shellLines(screen)
	for i := len(rows) - 3; i >= 1; i-- { // without the tabs and the bar of keys
		if rows[i] != "" {
			return prompt.MatchString(rows[i])
		}
	}
	return false
}

var prompted = regexp.MustCompile(`(?m)^ ?([a-z0-9-]+:\S*#|>)`)

// prompts counts the prompts in the shell pane.
func prompts(screen string) int {
	return len(prompted.FindAllString(strings.Join(shellLines(screen), "\n"), -1))
}

// enters types a script into the shell pane, each line when the one before has
// ended. The script must fit the pane.
func (v *traveller) enters(script string) {
	v.t.Helper()
	v.until("a prompt", atPrompt)
	lines := typist.Lines(script)
	for i, line := range lines {
		before := prompts(v.sees())
		v.command(line)
		if i == len(lines)-1 {
			return // what it leads to may lie over the prompt
		}
		v.until(fmt.Sprintf("the prompt after line %d (%s)", i+1, line), func(s string) bool {
			return prompts(s) > before && atPrompt(s)
		})
	}
}

// leave leaves the program from wherever it is, and waits for its end.
func (v *traveller) leave() {
	v.t.Helper()
	home := func(s string) bool { return strings.Contains(s, " lessons  ·  ") }
	if strings.Contains(v.sees(), "F10") {
		v.types(f10)
		s := v.until("home, or a question", func(s string) bool {
			return home(s) || strings.Contains(s, "Leave the lab?") || strings.Contains(s, "q home")
		})
		switch {
		case strings.Contains(s, "Leave the lab?"):
			v.insists("y", "home", home)
		case strings.Contains(s, "q home"):
			v.insists("q", "home", home)
		}
	}
	v.untilText(" lessons  ·  ")
	v.types("q")
	if code := v.untilEnd(); code != 0 {
		v.t.Errorf("the program ended with %d", code)
	}
}

// find goes to a lesson by typing a part of its name.
func (v *traveller) find(id string) {
	v.t.Helper()
	v.types("/")
	v.untilText("Find a lesson or a lab")
	v.types(id)
	v.untilText("1 found")
}

func TestJourneyThroughEveryLab(t *testing.T) {
	catalogue, err := format.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	all, err := catalogue.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, lab := range all {
		if lab.Cluster != nil && os.Getenv(companion.DirVariable) == "" {
			continue // scripts/kube-test.sh goes through these
		}
		t.Run(lab.ID, func(t *testing.T) {
			t.Parallel()
			state := t.TempDir()
			v := depart(t, 100, 30, state)
			v.untilText("Start here", fmt.Sprintf("0 of %d labs", len(all)))
			v.find(lab.Title)
			v.types(enter)
			v.untilText("Afterwards you can")
			v.types("l")
			v.until("the first prompt", atPrompt)
			v.untilText(fmt.Sprintf("0 of %d", len(lab.Tasks)))
			v.enters(lab.Solution.Text)
			v.untilText("✓ Solved", "without a hint")
			v.insists("s", "the lab again", func(s string) bool { return !strings.Contains(s, "without a hint") })
			marks := v.until("every task marked", func(s string) bool { return strings.Count(s, " ✓ ") >= len(lab.Tasks) })
			if strings.Contains(marks, " ○ ") {
				t.Errorf("a task is open in a solved lab:\n%s", marks)
			}
			v.leave()

			again := depart(t, 100, 30, state)
			again.untilText(fmt.Sprintf("1 of %d labs", len(all)), "✓ solved")
			again.leave()
		})
	}
}

func TestProgramsInTheShell(t *testing.T) {
	v := depart(t, 100, 30, t.TempDir(), "lab", "netns-veth")
	v.until("the first prompt", atPrompt)

	v.command("vim -u NONE -N /tmp/words")
	v.untilText("words\" [New]") // before it /tmp, or ~ if that is the lab's home
	v.types("ia line from vim" + escape)
	v.untilText("a line from vim")
	v.types(":wq" + enter)
	v.until("the prompt after vim", atPrompt)
	v.command("tr a-z A-Z < /tmp/words")
	v.untilText("A LINE FROM VIM")

	v.command("seq 500 | less")
	v.until("the first page of less", func(s string) bool {
		rows := shellLines(s)
		return strings.TrimSpace(rows[len(rows)-3]) == ":"
	})
	v.types("G")
	v.untilText("500", "(END)")
	v.types("q")
	v.until("the prompt after less", atPrompt)

	v.command("ip link set lo up; tcpdump -ni lo -c2 icmp 2>/tmp/said & until grep -q listening /tmp/said; do sleep 0.05; done; ping -c1 127.0.0.1 >/dev/null; wait")
	v.untilText("echo request", "echo reply")
	v.until("the prompt after tcpdump", atPrompt)

	v.types("\x1b[200~echo pasted\tas it is\x1b[201~" + enter)
	v.untilText("pasted\tas it is"[:6], "as it is")
	v.until("the prompt after a paste", atPrompt)

	v.command("ip netns exec c1 bash")
	v.until("a prompt that names c1", func(s string) bool {
		return atPrompt(s) && strings.Contains(s, "c1:~#")
	})
	v.leave()
}

func TestSizes(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {100, 30}, {200, 60}, {250, 70}} {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			t.Parallel()
			v := depart(t, size[0], size[1], t.TempDir(), "lab", "docker0")
			v.until("the first prompt", atPrompt)
			v.command("stty size; ip link add docker0 type bridge; ip link set docker0 up")
			v.untilText("1 of 5")
			for i, row := range strings.Split(v.sees(), "\n") {
				if n := len([]rune(row)); n > size[0] {
					t.Errorf("row %d has %d cells", i, n)
				}
			}
			v.leave()
		})
	}
}

func TestHintAndReset(t *testing.T) {
	v := depart(t, 100, 30, t.TempDir(), "lab", "netns-veth")
	v.until("the first prompt", atPrompt)
	v.types(f2)
	v.untilText("Hint 1/4")
	v.types(f2)
	v.untilText("Hint 2/4")
	v.command("ip link add vc1 type veth peer name eth0 netns c1")
	v.untilText("1 of 5")
	v.types(f5)
	v.untilText("Start again?")
	v.types("y")
	v.untilText("0 of 5")
	v.until("a prompt in the new world", atPrompt)
	v.command("ip link show vc1")
	v.untilText("does not exist")
	v.leave()
}
