package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"underlay/engine/sandbox"
)

// The test binary is also the program: started under one of the program's names
// it is that part of it, so the tests run what is in this checkout. Two more
// names help the scripts to take a tool away.
const (
	withoutName = "without" // without TOOL PROGRAM ARG…: runs a program that does not find a tool
	hideName    = "hide"    // its second half, in a mount namespace of its own
)

func TestMain(m *testing.M) {
	switch name := filepath.Base(os.Args[0]); {
	case name == withoutName:
		os.Exit(fails(without(os.Args[1:])))
	case name == hideName:
		os.Exit(fails(hide(os.Args[1:])))
	case name == sandbox.SudoName, strings.HasPrefix(name, "underlay") && !strings.HasSuffix(name, ".test"):
		os.Exit(dispatch(os.Args))
	}
	os.Exit(inBinDir(m))
}

// fails prints an error of a helper; a code that no test expects.
func fails(err error) int {
	fmt.Fprintln(os.Stderr, os.Args, err)
	return 125
}

// inBinDir runs the tests with a PATH that begins with a directory in which this
// binary has the names that scripts use.
func inBinDir(m *testing.M) int {
	dir, err := os.MkdirTemp("", "underlay-bin")
	if err != nil {
		return fails(err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
	exe, err := os.Executable()
	if err != nil {
		return fails(err)
	}
	for _, name := range []string{"underlay", withoutName, hideName} {
		if err := os.Symlink(exe, filepath.Join(dir, name)); err != nil {
			return fails(err)
		}
	}
	if err := os.Setenv("PATH", dir+":"+os.Getenv("PATH")+":/usr/sbin:/sbin"); err != nil {
		return fails(err)
	}
	return m.Run()
}

// without becomes unshare, which becomes hide in a mount namespace: root's own,
// or an ordinary user's in a user namespace that leaves the user who they are.
func without(args []string) error {
	argv := []string{"unshare", "--mount"}
	if os.Getuid() != 0 {
		argv = append(argv, "--user", "--map-current-user", "--keep-caps")
	}
	return become(append(append(argv, hideName), args...))
}

// hide puts an empty file that nobody may execute over a tool, wherever it is,
// and becomes the program.
func hide(args []string) error {
	empty := filepath.Join(os.TempDir(), fmt.Sprintf("no-%s-%d", args[0], os.Getpid()))
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		return err
	}
	hidden := 0
	for _, dir := range []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"} {
		path := filepath.Join(dir, args[0])
		if fi, err := os.Stat(path); err != nil || fi.Mode()&0o111 == 0 {
			continue
		}
		real, err := filepath.EvalSymlinks(path) // a mount goes over what a link points to
		if err != nil {
			return err
		}
		if err := unix.Mount(empty, real, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("hide %s: %w", real, err)
		}
		hidden++
	}
	if hidden == 0 {
		return fmt.Errorf("%s is nowhere to be hidden", args[0])
	}
	return errors.Join(os.Remove(empty), become(args[1:]))
}

func become(argv []string) error {
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return err
	}
	return syscall.Exec(path, argv, os.Environ())
}

// TestScripts runs the scripts of testdata/script; script_test.go says what they
// may say.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d scripts, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			newScript(t).run(file)
		})
	}
}

// TestEveryBadLab gives each of the loader's bad labs to the program: all are
// refused with their place in the file, and no other lab is lost for it.
func TestEveryBadLab(t *testing.T) {
	files, err := filepath.Glob("labs/testdata/bad/*.yaml")
	if err != nil || len(files) < 25 {
		t.Fatalf("%d bad labs, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			t.Parallel()
			s := newScript(t)
			s.write("bad/x/lab.yaml", readFile(t, file))
			s.write("bad/x/solve.sh", "true\n")
			s.do("exits", "2", "underlay", "list", "--content", "bad")
			s.do("stderr", `^error: bad/x/lab\.yaml(:[0-9]+:[0-9]+)?: .`)
			s.do("stderr", `^hint: .`)
			s.do("!", "stderr", `^panic:|^goroutine [0-9]`)
			s.do("!", "stdout", `.`)
			s.do("exits", "0", "underlay", "list")
		})
	}
}

// TestLabsAreAvailableAsDoctorSays writes a lab for every feature and tool that
// doctor knows and demands that list agrees with it, and that one which cannot
// run says why instead of running.
func TestLabsAreAvailableAsDoctorSays(t *testing.T) {
	s := newScript(t)
	s.do("exits", "0", "underlay", "doctor", "--json")
	var report struct {
		Findings []struct {
			ID, Remedy string
			OK         bool
		}
	}
	s.decode(&report)
	absent, present := 0, 0
	for _, f := range report.Findings {
		kind, word, _ := strings.Cut(f.ID, "/")
		if kind != "kernel" && kind != "tool" || word == "version" {
			continue
		}
		id := "needs-" + word
		s.write("more/"+id+"/lab.yaml", strings.NewReplacer("id: tiny", "id: "+id, "[veth]", "["+word+"]").Replace(tinyLab))
		s.write("more/"+id+"/solve.sh", "ip link set lo down\n")
	}
	s.do("exits", "0", "underlay", "list", "--json", "--content", "more")
	var list listResult
	s.decode(&list)
	for _, f := range report.Findings {
		_, word, _ := strings.Cut(f.ID, "/")
		i := slices.IndexFunc(list.Labs, func(l listLab) bool { return l.ID == "needs-"+word })
		if i < 0 || word == "iptables" { // the name of a feature and of a tool: both count
			continue
		}
		lab := list.Labs[i]
		if lab.Available != f.OK || lab.Available != (lab.Reason == "") {
			t.Errorf("doctor says %s is %v, list says %v (%s)", f.ID, f.OK, lab.Available, lab.Reason)
		}
		if lab.Available {
			present++
			continue
		}
		absent++
		s.do("exits", "3", "underlay", "try", lab.ID, "--content", "more", "--script", "more/"+lab.ID+"/solve.sh")
		s.do("stderr", `^error: lab `+lab.ID+` cannot run here: .*`+word)
		s.do("stderr", `^hint: .`)
		s.do("!", "stdout", `.`)
	}
	if present == 0 || absent+present < 20 {
		t.Errorf("%d labs can run and %d cannot: too few to have looked at doctor's findings", present, absent)
	}
}

// tinyLab is the smallest lab that is one.
const tinyLab = `id: tiny
title: Tiny
module: bridge
summary: The smallest lab.
minutes: 1
requires: [veth]
nodes:
  - {name: host, kind: host, shell: true}
tasks:
  - id: down
    goal: lo of host is down.
    checks:
      - link: {node: host, name: lo, state: down}
    hints: {symptom: It is up., layer: Links., command: ip link set, solution: ip link set lo down}
`
