package format

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"underlay/engine"
)

// directives are the comments at a script's head that mean something.
var directives = []string{"node", "fails", "misconception"}

// scripts reads everything in a lab's folder that is not lab.yaml.
type scripts struct {
	fsys     fs.FS
	dir      string // the lab's folder
	shown    func(string) string
	lab      *engine.Lab
	problems Problems
}

func (s *scripts) errorf(file string, line int, format string, args ...any) {
	p := Problem{File: s.shown(file), Line: line, What: fmt.Sprintf(format, args...)}
	if line > 0 {
		p.Col = 1
	}
	s.problems = append(s.problems, p)
}

// read fills the lab's scripts.
func (s *scripts) read() {
	s.strangers()
	s.manifests()
	solve := path.Join(s.dir, "solve.sh")
	s.lab.Solution, _ = s.script(solve)
	s.lab.Alternatives = s.folder("alternatives", func(file string, script engine.Script) {
		if script.Fails != nil || script.Misconception != "" {
			s.errorf(file, 1, "# fails: and # misconception: are for mistakes; an alternative passes every task")
		}
	})
	s.lab.Mistakes = s.folder("mistakes", s.checkMistake)
	s.faults()
}

// strangers complains of files that the loader would pass over in silence.
func (s *scripts) strangers() {
	known := []string{labFile, "solve.sh", "alternatives", "mistakes", "faults"}
	if s.lab.Cluster != nil {
		known = append(known, s.lab.Cluster.Manifests...)
	}
	entries, err := fs.ReadDir(s.fsys, s.dir)
	if err != nil {
		s.errorf(s.dir, 0, "cannot be read: %v", reason(err))
	}
	for _, e := range entries {
		name := e.Name()
		if slices.Contains(known, name) || strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".md") {
			continue
		}
		s.errorf(path.Join(s.dir, name), 0, "is not part of a lab; its folder holds %s and *.md%s", listed(known), meant(name, known))
	}
}

// folder reads a folder of scripts, which need not be there.
func (s *scripts) folder(name string, check func(string, engine.Script)) []engine.Script {
	dir := path.Join(s.dir, name)
	entries, err := fs.ReadDir(s.fsys, dir)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			s.errorf(dir, 0, "cannot be read: %v", reason(err))
		}
		return nil
	}
	var out []engine.Script
	for _, e := range entries {
		file := path.Join(dir, e.Name())
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if !strings.HasSuffix(e.Name(), ".sh") {
			s.errorf(file, 0, "is not a script; name it %s.sh", e.Name())
			continue
		}
		if script, ok := s.script(file); ok {
			check(file, script)
			out = append(out, script)
		}
	}
	return out
}

// script reads one script: its directives, and the text that is typed.
func (s *scripts) script(file string) (engine.Script, bool) {
	out := engine.Script{Name: strings.TrimSuffix(path.Base(file), ".sh")}
	text, problem := readText(s.fsys, file, s.shown(file))
	if problem != nil {
		s.problems = append(s.problems, *problem)
		return out, false
	}
	var typed strings.Builder
	number, commands, head := 0, 0, true
	for line := range strings.Lines(ExpandScript(s.lab, text)) {
		number++
		trimmed := strings.TrimSpace(line)
		comment := strings.HasPrefix(trimmed, "#")
		head = head && (comment || trimmed == "")
		if head && comment && s.directive(file, number, trimmed, &out) {
			continue
		}
		if name, ok := strings.CutPrefix(trimmed, "# node:"); ok {
			s.checkNode(file, number, strings.TrimSpace(name))
		}
		if !comment && trimmed != "" {
			commands++
		}
		typed.WriteString(line)
	}
	out.Text = strings.TrimLeft(typed.String(), "\n")
	if commands == 0 {
		s.errorf(file, 0, "has no commands; it must be what a learner would type")
	}
	return out, true
}

// directive takes a comment such as "# node: c1" into out. It reports whether
// the comment was one.
func (s *scripts) directive(file string, line int, comment string, out *engine.Script) bool {
	key, value, ok := strings.Cut(strings.TrimLeft(comment, "# "), ":")
	value = strings.TrimSpace(value)
	if !ok || strings.ContainsAny(key, " \t") {
		return false
	}
	switch key {
	case "node":
		s.checkNode(file, line, value)
		out.Node = value
	case "fails":
		out.Fails = s.failed(file, line, value)
	case "misconception":
		s.checkMisconception(file, line, value)
		out.Misconception = value
	default:
		if near := nearest(key, directives); near != "" && key == strings.ToLower(key) {
			s.errorf(file, line, "unknown comment %q; known ones: %s; did you mean %q?", "# "+key+":", listed(directives), near)
		}
		return false
	}
	return true
}

func (s *scripts) checkNode(file string, line int, name string) {
	known := (&validator{lab: s.lab}).nodeNames()
	if !slices.Contains(known, name) {
		s.errorf(file, line, "unknown node %q; nodes here: %s%s", name, listed(known), meant(name, known))
	}
}

// failed splits a "# fails:" list and looks its tasks up.
func (s *scripts) failed(file string, line int, value string) []string {
	known := (&validator{lab: s.lab}).taskIDs()
	out := []string{}
	for id := range strings.FieldsFuncSeq(value, func(r rune) bool { return r == ',' || r == ' ' }) {
		if !slices.Contains(known, id) {
			s.errorf(file, line, "unknown task %q; tasks here: %s%s", id, listed(known), meant(id, known))
		}
		out = append(out, id)
	}
	return out
}

func (s *scripts) checkMisconception(file string, line int, id string) {
	var known []string
	for i := range s.lab.Tasks {
		for j := range s.lab.Tasks[i].Misconceptions {
			known = append(known, s.lab.Tasks[i].Misconceptions[j].ID)
		}
	}
	if id != engine.NoMisconception && !slices.Contains(known, id) {
		s.errorf(file, line, "unknown misconception %q; misconceptions here: %s%s", id, listed(known), meant(id, known))
	}
}

// checkMistake demands that a mistake says which tasks it leaves undone, and
// that one of them answers it.
func (s *scripts) checkMistake(file string, script engine.Script) {
	if len(script.Fails) == 0 {
		s.errorf(file, 0, `needs a comment "# fails: TASK, …" at its head: the tasks that it leaves undone`)
	}
	if script.Misconception == "" {
		s.errorf(file, 0, `needs a comment "# misconception: ID" at its head: the idea that must answer it, or none`)
		return
	}
	var owner string
	for i := range s.lab.Tasks {
		t := &s.lab.Tasks[i]
		if slices.ContainsFunc(t.Misconceptions, func(m engine.Misconception) bool { return m.ID == script.Misconception }) {
			owner = t.ID
		}
	}
	if owner != "" && len(script.Fails) > 0 && !slices.Contains(script.Fails, owner) {
		s.errorf(file, 0, "misconception %q belongs to task %q, which # fails: does not name", script.Misconception, owner)
	}
}
