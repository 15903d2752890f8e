package journeys

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// killApp ends the layer that draws, as a crash would; the one that the shell
// started lives on.
func killApp(v *traveller) {
	v.t.Helper()
	pid := v.cmd.Process.Pid
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		v.t.Fatal(err)
	}
	var app int
	if _, err := fmt.Sscan(string(children), &app); err != nil {
		v.t.Fatal(err)
	}
	if err := syscall.Kill(app, syscall.SIGKILL); err != nil {
		v.t.Fatal(err)
	}
}

func signals(s syscall.Signal) func(*traveller) {
	return func(v *traveller) {
		v.t.Helper()
		if err := v.cmd.Process.Signal(s); err != nil {
			v.t.Fatal(err)
		}
	}
}

// TestTerminalIsRestored ends the program in a lab, which has taken over all that
// can be: modes, alternate screen, mouse, pasting, cursor.
func TestTerminalIsRestored(t *testing.T) {
	for name, end := range map[string]struct {
		how  func(*traveller)
		code int
		says string
	}{
		"left":       {func(v *traveller) { v.leave() }, 0, ""},
		"SIGTERM":    {signals(syscall.SIGTERM), 128 + int(syscall.SIGTERM), ""},
		"SIGHUP":     {signals(syscall.SIGHUP), 128 + int(syscall.SIGHUP), ""},
		"app killed": {killApp, 4, "\r\nhint: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := depart(t, 100, 30, t.TempDir(), "lab", "docker0")
			before := termios(t, v.tty)
			v.untilText("host:")
			if termios(t, v.tty) == before {
				t.Fatal("the program did not take the terminal over")
			}
			end.how(v)
			if code := v.untilEnd(); code != end.code {
				t.Errorf("it ended with %d, want %d", code, end.code)
			}
			if got := termios(t, v.tty); got != before {
				t.Errorf("the terminal's modes were %v, are %v", before, got)
			}
			said := v.said()
			for _, mode := range []string{"?1049", "?1002", "?2004"} {
				on, off := strings.LastIndex(said, "\x1b["+mode+"h"), strings.LastIndex(said, "\x1b["+mode+"l")
				if on < 0 || off < on {
					t.Errorf("mode %s was left on, or never on: %d, %d", mode, on, off)
				}
			}
			if hide, show := strings.LastIndex(said, "\x1b[?25l"), strings.LastIndex(said, "\x1b[?25h"); show < hide {
				t.Error("the cursor was left hidden")
			}
			last := said[strings.LastIndex(said, "\x1b[?1049l"):]
			if !strings.Contains(last, end.says) || strings.Contains(last, "?\a") {
				t.Errorf("after the screen it said %q, without %q, or it asked something", last, end.says)
			}
		})
	}
}

// TestFailuresBeforeTheScreen: what keeps the program from opening is said on the
// screen that the terminal had, which is not touched.
func TestFailuresBeforeTheScreen(t *testing.T) {
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		bin, state string
		args       []string
		code       int
		says       []string
	}{
		"no state directory": {bin, file, nil, 3, []string{"error: progress cannot be kept", "hint: ", "--state DIR"}},
		"no content":         {bin, t.TempDir(), []string{"--content", file}, 2, []string{"error: --content", "hint: "}},
		"unknown lab":        {bin, t.TempDir(), []string{"lab", "docker1"}, 2, []string{`error: lab "docker1": not found`, `hint: did you mean "docker0"?`}},
		"no namespaces": {withoutNamespaces(t, bin), t.TempDir(), []string{"lab", "docker0"}, 3,
			[]string{"error: lab", "cannot run here: user.max_user_namespaces is 0", "hint: ", "sysctl -w user.max_user_namespaces="}},
	} {
		t.Run(name, func(t *testing.T) {
			v := departWith(t, c.bin, 200, 30, c.state, c.args...)
			before := termios(t, v.tty)
			if code := v.untilEnd(); code != c.code {
				t.Errorf("it ended with %d, want %d", code, c.code)
			}
			tells(t, v.sees(), c.says...)
			if got := termios(t, v.tty); got != before {
				t.Errorf("the terminal's modes were %v, are %v", before, got)
			}
			if said := v.said(); strings.Contains(said, "\x1b") {
				t.Errorf("it did more than write: %q", said)
			}
		})
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "precious" {
		t.Errorf("the file in the state directory's place is %q, %v", b, err)
	}
}

// withoutNamespaces returns a program that becomes ours where nobody may make
// user namespaces: in one of its own, in which that limit is its own, too.
func withoutNamespaces(t *testing.T, bin string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "underlay")
	text := `#!/bin/sh
exec unshare --user --map-current-user --keep-caps \
	sh -c 'echo 0 >/proc/sys/user/max_user_namespaces && exec "$0" "$@"' ` + bin + ` "$@"
`
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}
