package format

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"underlay/engine"
)

// sample returns the files of a lab that is right, under x/.
func sample(t *testing.T) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{}
	for _, name := range []string{"lab.yaml", "solve.sh"} {
		b, err := os.ReadFile("testdata/good/sample/" + name)
		if err != nil {
			t.Fatal(err)
		}
		out["x/"+name] = &fstest.MapFile{Data: b}
	}
	return out
}

func with(base fstest.MapFS, path, text string) fstest.MapFS {
	out := maps.Clone(base)
	out[path] = &fstest.MapFile{Data: []byte(text)}
	return out
}

func TestLoadFillsTheLab(t *testing.T) {
	c, err := Load(os.DirFS("testdata/good"), 0)
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Lab("sample")
	if err != nil {
		t.Fatal(err)
	}
	want := &engine.Lab{
		ID: "sample", Title: "A sample", Module: "bridge", Summary: "Two machines and a cable.", Minutes: 5,
		Topology: engine.Topology{
			Nodes: []engine.Node{{Name: "a", Kind: engine.KindHost, Shell: true}, {Name: "b", Kind: engine.KindContainer}},
			Links: []engine.Link{{
				A: engine.End{Node: "a", Name: "eth0", Address: []string{"10.0.0.1/24"}},
				B: engine.End{Node: "b", Name: "eth0", Address: []string{"10.0.0.2/24"}},
			}},
			Workloads: []engine.Workload{{Node: "b", Kind: "http", Name: "b", Listen: ":80"}},
		},
		Tasks: []engine.Task{{
			ID: "ping", Goal: "a pings b.", Mode: engine.Now,
			Checks: []engine.Check{{Traffic: &engine.TrafficCheck{From: "a", To: "10.0.0.2", Proto: "icmp", Expect: engine.OK}}},
			Hints:  engine.Hints{Symptom: "No answer.", Layer: "The cable.", Command: "ip link", Solution: "ip link set eth0 up"},
		}},
		Solution: engine.Script{Name: "solve", Text: "ip link set eth0 up\n"},
		Params:   map[string]string{},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", *got, *want)
	}
}

func TestLoadKeepsWhatYAMLCanSay(t *testing.T) {
	base := sample(t)
	yaml := strings.NewReplacer(
		"kind: container}", "kind: container, sysctls: {net.b: 1, net.a: 0, net.c: x}, hosts: {db: 10.0.0.9}, setup: [one, two]}",
		"proto: icmp}", "proto: http, path: /x, hold: 1500ms}\n        because: it must",
	).Replace(string(base["x/lab.yaml"].Data))
	c, err := Load(with(base, "x/lab.yaml", yaml), 0)
	if err != nil {
		t.Fatal(err)
	}
	b := all(t, c)[0].Topology.Node("b")
	if want := []engine.Sysctl{{Name: "net.b", Value: "1"}, {Name: "net.a", Value: "0"}, {Name: "net.c", Value: "x"}}; !reflect.DeepEqual(b.Sysctls, want) {
		t.Errorf("sysctls %v, want %v in this order", b.Sysctls, want)
	}
	if b.Hosts["db"] != "10.0.0.9" || len(b.Setup) != 2 {
		t.Errorf("hosts %v, setup %q", b.Hosts, b.Setup)
	}
	check := all(t, c)[0].Tasks[0].Checks[0]
	if check.Because != "it must" || check.Traffic.Port != 80 || check.Traffic.Hold.Milliseconds() != 1500 {
		t.Errorf("check %+v, traffic %+v", check, check.Traffic)
	}
}

func TestLoadForgivesEditors(t *testing.T) {
	base := sample(t)
	yaml := string(base["x/lab.yaml"].Data)
	for name, text := range map[string]string{
		"BOM":  "\ufeff" + yaml,
		"CRLF": strings.ReplaceAll(yaml, "\n", "\r\n"),
	} {
		c, err := Load(with(base, "x/lab.yaml", text), 0)
		if err != nil || all(t, c)[0].Tasks[0].Goal != "a pings b." {
			t.Errorf("%s: %v", name, err)
		}
	}
	c, err := Load(with(base, "x/solve.sh", "ip link\r\nip addr\r\n"), 0)
	if err != nil || all(t, c)[0].Solution.Text != "ip link\nip addr\n" {
		t.Errorf("CRLF script: %v", err)
	}
}

func TestLoadRefusesFiles(t *testing.T) {
	base := sample(t)
	yaml := string(base["x/lab.yaml"].Data)
	for name, tc := range map[string]struct {
		fsys fs.FS
		want string
	}{
		"not UTF-8":      {with(base, "x/lab.yaml", "id: s\ntitle: caf\xe9\n"), "x/lab.yaml:2:11: byte 0xe9 is not UTF-8; save the file as UTF-8"},
		"UTF-16":         {with(base, "x/lab.yaml", "\xff\xfei\x00"), "x/lab.yaml: is UTF-16; save it as UTF-8"},
		"NUL":            {with(base, "x/lab.yaml", "id: \x00"), "x/lab.yaml:1:5: control character 0x00; only text, tabs and newlines are allowed"},
		"lone CR":        {with(base, "x/lab.yaml", "id: x\rtitle: y"), "x/lab.yaml:1:6: a carriage return without a newline; end lines with LF or CRLF"},
		"too large":      {with(base, "x/lab.yaml", yaml+"#"+strings.Repeat("x", maxFileSize)), "x/lab.yaml: is larger than 1 MiB, the most a lab's file may have"},
		"too many words": {with(base, "x/lab.yaml", yaml+"x: ["+strings.Repeat("0,", maxTokens)+"]"), "x/lab.yaml: has more than 100000 YAML tokens; split the lab"},
		"too many nodes": {with(base, "x/lab.yaml", strings.Replace(yaml, "links:", manyNodes()+"links:", 1)), "x/lab.yaml:7:3: 302 nodes; a lab has at most 256"},
		"no solution":    {without(base, "x/solve.sh"), "x/solve.sh: the file is missing"},
		"a directory":    {with(without(base, "x/solve.sh"), "x/solve.sh/y", "z"), "x/solve.sh: must be a regular file, this is a directory"},
		"unreadable":     {locked{base, "x/solve.sh"}, "x/solve.sh: cannot be read: permission denied"},
		"empty script":   {with(base, "x/solve.sh", "# to do\n\n"), "x/solve.sh: has no commands; it must be what a learner would type"},
		"stranger":       {with(base, "x/solvee.sh", "ip link\n"), `x/solvee.sh: is not part of a lab; its folder holds alternatives, faults, lab.yaml, mistakes, solve.sh and *.md; did you mean "solve.sh"?`},
		"no script":      {with(base, "x/mistakes/a.txt", "ip link\n"), "x/mistakes/a.txt: is not a script; name it a.txt.sh"},
	} {
		t.Run(name, func(t *testing.T) { wantProblems(t, tc.fsys, tc.want) })
	}
}

func wantProblems(t *testing.T, fsys fs.FS, want ...string) {
	t.Helper()
	_, err := Load(fsys, 0)
	var problems Problems
	if !errors.As(err, &problems) || err.Error() != strings.Join(want, "\n") {
		t.Errorf("got\n%v\nwant\n%s", err, strings.Join(want, "\n"))
	}
}

func manyNodes() string {
	var b strings.Builder
	for i := range 300 {
		b.WriteString("  - {name: n" + strings.Repeat("x", i%10) + string(rune('a'+i/10%26)) + string(rune('a'+i/260)) + ", kind: router}\n")
	}
	return b.String()
}

func without(base fstest.MapFS, path string) fstest.MapFS {
	out := maps.Clone(base)
	delete(out, path)
	return out
}

// locked is a file system of which one file may not be opened.
type locked struct {
	fs.FS
	path string
}

func (l locked) Open(name string) (fs.File, error) {
	if name == l.path {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return l.FS.Open(name)
}

func (l locked) Stat(name string) (fs.FileInfo, error) { return fs.Stat(l.FS, name) }

func TestLoadDoesNotWaitForPipes(t *testing.T) {
	dir := t.TempDir()
	for name, f := range sample(t) {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if name == "x/solve.sh" {
			err := syscall.Mkfifo(filepath.Join(dir, name), 0o644)
			if err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	wantProblems(t, os.DirFS(dir), "x/solve.sh: must be a regular file, this is a named pipe")
}

func TestScripts(t *testing.T) {
	base := sample(t)
	yaml := strings.Replace(string(base["x/lab.yaml"].Data), "    hints:",
		"    misconceptions: [{id: unplugged, when: [{netns: {node: a}}], says: Plug it in.}]\n    hints:", 1)
	base = with(base, "x/lab.yaml", "params: {dev: [eth0]}\n"+yaml)
	good := with(base, "x/mistakes/late.sh", "# fails: ping\n# misconception: unplugged\n# node: b\n# Note: too late.\n\nip link show ${dev} # node: b\necho ${HOME} $dev\n")
	good = with(good, "x/alternatives/b.sh", "ip a\n")
	good = with(good, "x/alternatives/a.sh", "# node: b\nip a\n")
	c, err := Load(good, 0)
	if err != nil {
		t.Fatal(err)
	}
	lab := all(t, c)[0]
	want := engine.Script{Name: "late", Node: "b", Fails: []string{"ping"}, Misconception: "unplugged",
		Text: "# Note: too late.\n\nip link show eth0 # node: b\necho ${HOME} $dev\n"}
	if !reflect.DeepEqual(lab.Mistakes, []engine.Script{want}) {
		t.Errorf("got %+v, want %+v", lab.Mistakes, want)
	}
	if a := lab.Alternatives; len(a) != 2 || a[0].Name != "a" || a[0].Node != "b" || a[1].Name != "b" {
		t.Errorf("alternatives %+v", a)
	}
	mistake := func(text string) fs.FS { return with(base, "x/mistakes/m.sh", text) }
	wantProblems(t, mistake("# fails: pong\n# misconception: unpluged\n# node: c\nip a\n"),
		`x/mistakes/m.sh:1:1: unknown task "pong"; tasks here: ping; did you mean "ping"?`,
		`x/mistakes/m.sh:2:1: unknown misconception "unpluged"; misconceptions here: unplugged; did you mean "unplugged"?`,
		`x/mistakes/m.sh:3:1: unknown node "c"; nodes here: a, b`)
	wantProblems(t, mistake("# fail: ping\nip a\n"),
		`x/mistakes/m.sh: needs a comment "# fails: TASK, …" at its head: the tasks that it leaves undone`,
		`x/mistakes/m.sh: needs a comment "# misconception: ID" at its head: the idea that must answer it, or none`,
		`x/mistakes/m.sh:1:1: unknown comment "# fail:"; known ones: fails, misconception, node; did you mean "fails"?`)
	wantProblems(t, with(base, "x/alternatives/a.sh", "# fails: ping\nip a\n"),
		`x/alternatives/a.sh:1:1: # fails: and # misconception: are for mistakes; an alternative passes every task`)
}

func TestMisconceptionBelongsToAFailedTask(t *testing.T) {
	base := sample(t)
	yaml := string(base["x/lab.yaml"].Data) + `  - id: two
    goal: Second.
    checks: [{netns: {node: a}}]
    hints: {symptom: s, layer: l, command: c, solution: s}
    misconceptions: [{id: m, when: [{netns: {node: a}}], says: No.}]
`
	base = with(with(base, "x/lab.yaml", yaml), "x/mistakes/m.sh", "# fails: ping\n# misconception: m\nip a\n")
	none := with(base, "x/mistakes/m.sh", "# fails: ping\n# misconception: none\nip a\n")
	if c, err := Load(none, 0); err != nil || all(t, c)[0].Mistakes[0].Misconception != engine.NoMisconception {
		t.Errorf("a mistake that none answers: %v", err)
	}
	wantProblems(t, with(none, "x/lab.yaml", strings.Replace(yaml, "{id: m, when", "{id: none, when", 1)),
		`x/lab.yaml:23:27: "none" says of a mistake that no misconception answers it; choose another id`,
		`x/mistakes/m.sh: misconception "none" belongs to task "two", which # fails: does not name`)
	wantProblems(t, base, `x/mistakes/m.sh: misconception "m" belongs to task "two", which # fails: does not name`)
}

// TestManyProblems makes sure that one problem does not hide another.
func TestManyProblems(t *testing.T) {
	base := without(sample(t), "x/solve.sh")
	yaml := strings.NewReplacer("minutes: 5", "minutes: x", "from: a", "from: z").Replace(string(base["x/lab.yaml"].Data))
	wantProblems(t, with(base, "x/lab.yaml", yaml),
		"x/lab.yaml:5:10: minutes must be a whole number, this is text",
		`x/lab.yaml:17:25: unknown node "z"; nodes here: a, b`,
		"x/solve.sh: the file is missing")
}

func TestReadTextLimit(t *testing.T) {
	big := fstest.MapFS{"f": {Data: bytes.Repeat([]byte("x"), maxFileSize)}}
	if text, problem := readText(big, "f", "f"); problem != nil || len(text) != maxFileSize {
		t.Errorf("a file of exactly 1 MiB: %d bytes, %v", len(text), problem)
	}
}

// breakable is a lab with two faults and their scripts.
func breakable(t *testing.T) fstest.MapFS {
	t.Helper()
	base := sample(t)
	yaml := "params: {dev: [eth0, eth1]}\n" + string(base["x/lab.yaml"].Data) + "faults:\n"
	for _, id := range []string{"down", "gone"} {
		yaml += `  - id: ` + id + `
    cause: It is ` + id + `.
    symptom: a does not ping b any more.
    checks: [{traffic: {from: a, to: 10.0.0.2, proto: http}}]
    tell: [{traffic: {from: a, to: 10.0.0.2, proto: icmp}}]
    hints: {symptom: s, layer: l, command: c, solution: s}
    explanation: It was ` + id + `.
`
		base = with(base, "x/faults/"+id+".sh", "# node: b\n# A comment.\nip link set ${dev} "+id+"\n")
		base = with(base, "x/faults/"+id+".repair.sh", "ip link set ${dev} up\n# node: b\nip link set ${dev} up\n")
	}
	return with(base, "x/lab.yaml", yaml)
}

func TestFaults(t *testing.T) {
	base := breakable(t)
	c, err := Load(base, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := all(t, c)[0].Faults[1]
	if want := (engine.Script{Name: "gone", Node: "b", Text: "# A comment.\nip link set eth0 gone\n"}); !reflect.DeepEqual(f.Break, want) {
		t.Errorf("break: %+v, want %+v", f.Break, want)
	}
	if want := (engine.Script{Name: "gone.repair", Text: "ip link set eth0 up\n# node: b\nip link set eth0 up\n"}); !reflect.DeepEqual(f.Repair, want) {
		t.Errorf("repair: %+v, want %+v", f.Repair, want)
	}
	if tr := f.Checks[0].Traffic; tr.Port != 80 || tr.Expect != engine.OK || f.Tell[0].Traffic.Expect != engine.OK {
		t.Errorf("what may be left out is not filled in: %+v, %+v", f.Checks, f.Tell)
	}
	broken, err := c.Faulted("sample", "gone", 5)
	if err != nil || broken.ID != "sample/gone" || broken.Seed != 5 || broken.Fault.ID != "gone" {
		t.Errorf("%+v, %v", broken, err)
	}
	var hinted *engine.Error
	if _, err := c.Faulted("sample", "going", 0); !errors.Is(err, engine.ErrNotFound) || err.Error() != `lab sample has no fault "going"` {
		t.Errorf("an unknown fault: %v", err)
	}
	if _, err := c.Faulted("simple", "gone", 0); !errors.Is(err, engine.ErrNotFound) || !errors.As(err, &hinted) || hinted.Hint != `did you mean "sample"?` {
		t.Errorf("an unknown lab: %v", err)
	}
	whole, err := Load(twoLabs(t), 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := whole.Faulted("first", engine.RandomFault, 0); err == nil || err.Error() != "lab first has no faults to repair" ||
		!errors.As(err, &hinted) || hinted.Hint != "labs with faults: none" {
		t.Errorf("a lab without faults: %v", err)
	}
	wantProblems(t, without(base, "x/faults/gone.sh"), `x/faults/gone.sh: the file is missing; it breaks the solved lab`)
	wantProblems(t, without(base, "x/faults/down.repair.sh"), `x/faults/down.repair.sh: the file is missing; it repairs what down.sh breaks`)
	wantProblems(t, with(base, "x/faults/dwon.sh", "ip a\n"), `x/faults/dwon.sh: belongs to no fault; faults in lab.yaml: down, gone; did you mean "down"?`)
	wantProblems(t, with(base, "x/faults/extra.repair.sh", "ip a\n"), `x/faults/extra.repair.sh: belongs to no fault; faults in lab.yaml: down, gone`)
	wantProblems(t, with(base, "x/faults/down.sh", "# fails: ping\nip a\n"),
		`x/faults/down.sh:1:1: # fails: and # misconception: are for mistakes; a fault's checks are in lab.yaml`)
	wantProblems(t, with(base, "x/faults/down.sh", "# node: c\nip a\n"), `x/faults/down.sh:1:1: unknown node "c"; nodes here: a, b`)
	wantProblems(t, with(base, "x/faults/down.sh", "ip a\n # node: c\nip a\n"), `x/faults/down.sh:2:1: unknown node "c"; nodes here: a, b`)
	wantProblems(t, with(base, "x/faults/down.sh", "ip a\n\xff\n"), `x/faults/down.sh:2:1: byte 0xff is not UTF-8; save the file as UTF-8`)
	wantProblems(t, with(base, "x/faults/down.txt", "ip a\n"), `x/faults/down.txt: is not a script; name it down.txt.sh`)
}
