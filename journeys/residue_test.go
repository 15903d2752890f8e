package journeys

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// machineState is everything of the machine that a lab might leave a trace in,
// each part hashed so that a difference names its part.
func machineState(t *testing.T) map[string]string {
	t.Helper()
	state := map[string]string{}
	for name, argv := range map[string][]string{
		"links": {"ip", "-o", "link"}, "addresses": {"ip", "-o", "addr", "show", "scope", "global"},
		"routes": {"ip", "route", "show", "table", "all", "type", "unicast"}, "rules": {"ip", "rule"},
		"namespaces": {"sh", "-c", "ls /run/netns /var/run/netns 2>/dev/null || true"},
		"mounts":     {"sh", "-c", "cut -d' ' -f4- /proc/self/mountinfo | sort"},
	} {
		out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", argv, err, out)
		}
		state[name] = string(out)
	}
	if os.Getuid() == 0 {
		for name, argv := range map[string][]string{"nft": {"nft", "--stateless", "list", "ruleset"}, "iptables": {"iptables-legacy-save"}} {
			out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %v\n%s", argv, err, out)
			}
			state[name] = passing.ReplaceAllString(string(out), "")
		}
	}
	state["settings"] = settings(t)
	return state
}

// passing is what changes by itself in what iptables-save prints: the time, and counters.
var passing = regexp.MustCompile(`(?m)^#.*\n| \[\d+:\d+\]$`)

// settings hashes /proc/sys/net and /proc/sys/kernel's own words.
func settings(t *testing.T) string {
	t.Helper()
	h := sha256.New()
	for _, dir := range []string{"/proc/sys/net/ipv4", "/proc/sys/net/bridge", "/proc/sys/net/netfilter"} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || strings.HasSuffix(path, "_count") {
				return nil //nolint:nilerr // what cannot be read cannot be compared
			}
			b, err := os.ReadFile(path)
			if err == nil {
				fmt.Fprintf(h, "%s=%s", path, b)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// lives returns the processes that run this binary or are in a namespace that a
// process of this binary was seen in.
func lives(bin string, spaces map[string]bool) []string {
	var found []string
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		exe, err := os.Readlink(dir + "/exe")
		if err != nil {
			continue
		}
		netns, _ := os.Readlink(dir + "/ns/net")
		pidns, _ := os.Readlink(dir + "/ns/pid")
		if strings.HasPrefix(exe, bin) || spaces[netns] || spaces[pidns] {
			found = append(found, dir+" "+exe)
		}
	}
	sort.Strings(found)
	return found
}

// spacesOf returns the namespaces, other than our own, of a process's descendants.
func spacesOf(pid int) map[string]bool {
	own := map[string]bool{}
	for _, kind := range []string{"net", "pid"} {
		ns, _ := os.Readlink("/proc/self/ns/" + kind)
		own[ns] = true
	}
	spaces := map[string]bool{}
	for _, p := range descendants(pid) {
		for _, kind := range []string{"net", "pid"} {
			if ns, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/%s", p, kind)); err == nil && !own[ns] {
				spaces[ns] = true
			}
		}
	}
	return spaces
}

func descendants(pid int) []int {
	var all []int
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		b, _ := os.ReadFile(list)
		for _, field := range strings.Fields(string(b)) {
			child, err := strconv.Atoi(field)
			if err == nil {
				all = append(append(all, child), descendants(child)...)
			}
		}
	}
	return all
}

// ownCopy is the program under a name that no other test runs.
func ownCopy(t *testing.T) string {
	t.Helper()
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(bin)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "underlay-residue")
	if err := os.WriteFile(copied, b, 0o755); err != nil {
		t.Fatal(err)
	}
	return copied
}

// waitGone waits until nothing of the program lives.
func waitGone(t *testing.T, bin string, spaces map[string]bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		left := lives(bin, spaces)
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("these live on:\n%s", strings.Join(left, "\n"))
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	ends := map[string]func(*traveller){
		"left":    func(v *traveller) { v.leave() },
		"killed":  func(v *traveller) { _ = v.cmd.Process.Kill() },
		"hung up": func(v *traveller) { _ = v.tty.Close() },
		"SIGTERM": func(v *traveller) { _ = v.cmd.Process.Signal(syscall.SIGTERM) },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			bin := ownCopy(t)
			before := machineState(t)
			v := departWith(t, bin, 100, 30, t.TempDir(), "lab", "docker0")
			v.untilText("host:")
			v.command("ip link add docker0 type bridge; iptables -t nat -A POSTROUTING -j MASQUERADE; sysctl -w net.ipv4.ip_forward=1; sleep 1000 &")
			v.untilText("ip_forward = 1")
			spaces := spacesOf(v.cmd.Process.Pid)
			if len(spaces) < 3 {
				t.Fatalf("the lab's namespaces were not found: %v", spaces)
			}
			end(v)
			waitGone(t, bin, spaces)
			after := machineState(t)
			for part, was := range before {
				if after[part] != was {
					t.Errorf("%s changed:\n%s\nbecame\n%s", part, was, after[part])
				}
			}
		})
	}
}
