package plain

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"underlay/attempt"
	"underlay/course/lesson"
	"underlay/engine"
	"underlay/progress"
)

// entry is one line of the list: a lesson or a lab.
type entry struct {
	lesson *lesson.Info
	lab    *engine.LabInfo
}

// shelf is a module of the list.
type shelf struct {
	title, summary string
	entries        []entry
}

// shelves puts each lab after its lesson. Labs without a lesson come at the end of
// their module, those without a module last of all.
func (g *guide) shelves() []shelf {
	var out []shelf
	shown := map[string]bool{}
	add := func(s *shelf, l *engine.LabInfo) {
		if l != nil && !shown[l.ID] {
			shown[l.ID] = true
			s.entries = append(s.entries, entry{lab: l})
		}
	}
	for _, m := range g.Book.Modules() {
		s := shelf{title: m.Title, summary: m.Summary}
		for _, l := range m.Lessons {
			s.entries = append(s.entries, entry{lesson: l})
			add(&s, g.findLab(l.Lab))
		}
		for _, l := range g.Labs {
			if l.Module == m.ID && g.Book.ForLab(l.ID) == nil {
				add(&s, l)
			}
		}
		out = append(out, s)
	}
	rest := shelf{title: "More labs"}
	for _, l := range g.Labs {
		add(&rest, l)
	}
	if len(rest.entries) > 0 {
		out = append(out, rest)
	}
	return out
}

// home lists what there is and opens what is asked for, until the learner leaves.
func (g *guide) home() error {
	g.say("Underlay teaches container networking with real commands. This is the plain dialogue.")
	g.list()
	for {
		line, err := g.ask("underlay> ", meanwhile{})
		if err != nil {
			return err
		}
		if err := g.choose(strings.TrimPrefix(strings.TrimSpace(line), ":")); err != nil {
			return err
		}
	}
}

func (g *guide) choose(text string) error {
	word, rest, _ := strings.Cut(text, " ")
	rest = strings.TrimSpace(rest)
	switch strings.ToLower(word) {
	case "":
		return nil
	case "quit", "exit", "q":
		return errLeft
	case "help", "?":
		g.homeHelp()
		return nil
	case "list", "ls":
		g.list()
		return nil
	case "lab":
		return g.openAgain(g.visitLab(g.idOf(rest, true)))
	case "break":
		return g.openAgain(g.visitFault(rest))
	case "lesson", "read":
		return g.openAgain(g.readLesson(g.idOf(rest, false)))
	}
	if e, ok := g.numbered(text); ok {
		if e.lab != nil {
			return g.openAgain(g.visitLab(e.lab.ID))
		}
		return g.openAgain(g.readLesson(e.lesson.ID))
	}
	if g.Book.Info(text) == nil && g.findLab(text) != nil {
		return g.openAgain(g.visitLab(text))
	}
	return g.openAgain(g.readLesson(text))
}

// openAgain comes back to the list when what was opened could not be.
func (g *guide) openAgain(err error) error {
	if err == nil || errors.Is(err, errLeft) || g.ctx.Err() != nil {
		return err
	}
	if errors.Is(err, engine.ErrNotFound) {
		g.say("There is no lesson or lab of that name or number. Type list to hear them, or help.")
		return nil
	}
	g.sayError(err)
	return nil
}

// idOf turns a number of the list into the id that it stands for.
func (g *guide) idOf(text string, lab bool) string {
	e, ok := g.numbered(text)
	switch {
	case ok && lab && e.lab != nil:
		return e.lab.ID
	case ok && !lab && e.lesson != nil:
		return e.lesson.ID
	case ok && lab && e.lesson.Lab != "":
		return e.lesson.Lab
	}
	return text
}

func (g *guide) numbered(text string) (entry, bool) {
	n, err := strconv.Atoi(text)
	if err != nil {
		return entry{}, false
	}
	for _, s := range g.shelves() {
		if n >= 1 && n <= len(s.entries) {
			return s.entries[n-1], true
		}
		n -= len(s.entries)
	}
	return entry{}, false
}

// list says what there is and how far it is done.
func (g *guide) list() {
	var readings map[string]progress.LessonProgress
	g.journal.keep(func(ctx context.Context, s *progress.Store) (err error) {
		readings, err = s.Lessons(ctx)
		return err
	})
	visits := g.visits()
	available := g.Available.Once()
	n := 0
	for _, s := range g.shelves() {
		g.blank()
		g.item("", strings.TrimSuffix("Module: "+s.title+". "+s.summary, ". "))
		for _, e := range s.entries {
			n++
			text := ""
			switch {
			case e.lesson != nil:
				text = fmt.Sprintf("lesson %s: %s. %s", e.lesson.ID, e.lesson.Title, lessonState(readings[e.lesson.ID]))
			default:
				text = fmt.Sprintf("lab %s: %s. %s%s", e.lab.ID, e.lab.Title, labState(e.lab, visits[e.lab.ID], available), repaired(e.lab, visits))
			}
			g.item(fmt.Sprintf("%3d. ", n), text)
		}
	}
	g.blank()
	g.say("Type a number to open it, help for help, or quit.")
}

// visits are what has been done in the labs, by their ids.
func (g *guide) visits() (visits map[string]progress.LabProgress) {
	g.journal.keep(func(ctx context.Context, s *progress.Store) (err error) {
		visits, err = s.Labs(ctx)
		return err
	})
	return visits
}

func lessonState(p progress.LessonProgress) string {
	switch {
	case p.Finished:
		return "Read."
	case !p.LastSeen.IsZero():
		return "Begun."
	}
	return "Not read yet."
}

func labState(l *engine.LabInfo, p progress.LabProgress, available engine.Available) string {
	if reason, remedy := available(l.Requires); reason != "" {
		return "Cannot run here: " + reason + ". What to do: " + remedy
	}
	switch {
	case p.Solved:
		return "Solved."
	case p.Attempts > 0:
		return fmt.Sprintf("%d of %d tasks done.", attempt.TasksDone(l, len(p.TasksDone)), l.Tasks)
	}
	return "Not begun yet."
}

// repaired says how many of a lab's faults were repaired, once one was.
func repaired(l *engine.LabInfo, visits map[string]progress.LabProgress) string {
	n := repairedOf(l, visits)
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" %d of %s repaired.", n, attempt.Count(len(l.Faults), "fault"))
}

func repairedOf(l *engine.LabInfo, visits map[string]progress.LabProgress) int {
	return attempt.Repaired(l, func(id string) bool { return visits[id].Solved })
}

func (g *guide) homeHelp() {
	for _, row := range [][2]string{
		{"NUMBER", "open that lesson or lab"},
		{"NAME", "read the lesson of that name"},
		{"lab NAME", "open the lab of that name"},
		{"break NAME", "open that lab with something broken in it, to find and repair"},
		{"list", "say the list again"},
		{"quit", "leave; the end of the input does the same"},
	} {
		g.println(fmt.Sprintf("  %-10s %s", row[0], row[1]))
	}
}
