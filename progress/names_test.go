package progress

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"
)

// renamed are names given as "lab OLD" → NEW, "task LAB OLD" → NEW and so on.
type renamed map[string]string

func (r renamed) now(id string, key ...string) string {
	if now, ok := r[strings.Join(append(key, id), " ")]; ok {
		return now
	}
	return id
}

func (r renamed) Lab(id string) string       { return r.now(id, "lab") }
func (r renamed) Task(lab, id string) string { return r.now(id, "task", lab) }
func (r renamed) Lesson(id string) string    { return r.now(id, "lesson") }
func (r renamed) Quiz(id string) string      { return r.now(id, "quiz") }

// newNames are what fill records by other names.
var newNames = renamed{
	"lab docker0": "bridge-by-hand", "lab docker": "bridge-by-hand", "task bridge-by-hand bridge": "make-bridge",
	"task docker0 ports": "wrong", // no such lab any more
	"lesson bridge":      "bridges", "quiz who-bridges": "bridges/who",
}

// What was done under old names counts for the new ones, together with what was done since.
func TestProgressFollowsNames(t *testing.T) {
	ctx, c, dir := context.Background(), newClock(), t.TempDir()
	old := open(t, dir, WithClock(c.now))
	fill(t, old)
	recorded := contents(t, old)

	s := open(t, dir, WithClock(c.now), WithNames(newNames))
	labs := value(s.Labs(ctx))(t)
	lab := labs["bridge-by-hand"]
	if !lab.Solved || lab.Attempts != 1 || !reflect.DeepEqual(lab.TasksDone, []string{"make-bridge", "ports"}) || len(labs) != 2 {
		t.Errorf("labs: %+v", labs)
	}
	if l := value(s.Lessons(ctx))(t)["bridges"]; !l.Finished || l.Position != 12 {
		t.Errorf("lesson: %+v", l)
	}
	if q := value(s.Quizzes(ctx))(t)["bridges/who"]; q.Right != 1 || q.Wrong != 1 || !q.LastRight {
		t.Errorf("quiz: %+v", q)
	}
	if contents(t, s) != recorded {
		t.Errorf("what was recorded has changed:\n%s", contents(t, s))
	}

	// It goes on under the new names, and in between with a program that knows only the old.
	a := value(s.StartAttempt(ctx, "bridge-by-hand", 2))(t)
	must(t, s.TaskPassed(ctx, a, "make-bridge"))
	must(t, s.TaskPassed(ctx, a, "ping"))
	must(t, s.ReadLesson(ctx, "bridges", 5))
	must(t, s.AnswerQuiz(ctx, "bridges/who", false))
	b := value(old.StartAttempt(ctx, "docker0", 3))(t)
	must(t, old.TaskPassed(ctx, b, "address"))
	lab = value(s.Labs(ctx))(t)["bridge-by-hand"]
	if !lab.Solved || lab.Attempts != 3 || !reflect.DeepEqual(lab.TasksDone, []string{"make-bridge", "ports", "ping", "address"}) {
		t.Errorf("lab: %+v", lab)
	}
	if l := value(s.Lessons(ctx))(t)["bridges"]; !l.Finished || l.Position != 5 {
		t.Errorf("lesson: %+v", l)
	}
	if q := value(s.Quizzes(ctx))(t)["bridges/who"]; q.Right != 1 || q.Wrong != 2 || q.LastRight {
		t.Errorf("quiz: %+v", q)
	}
	if p := value(s.Resume(ctx))(t); p.Lab != "bridge-by-hand" || p.Seed != 3 || p.Lesson != "bridges" || p.Position != 5 {
		t.Errorf("resume: %+v", p)
	}
	if o := value(s.Show(ctx))(t); len(o.Labs) != 2 || o.Labs[0].ID != "bridge-by-hand" || len(o.Lessons) != 2 || o.Quiz != (QuizOverview{Questions: 1, Right: 1, Wrong: 2}) {
		t.Errorf("show: %+v", o)
	}
	if l := value(old.Labs(ctx))(t)["docker0"]; !l.Solved || l.Attempts != 2 {
		t.Errorf("the old program finds %+v", l)
	}
}

// An old export is merged with what was done under new names, and with itself, and is
// taken by an older program again.
func TestOldExportFollowsNames(t *testing.T) {
	ctx, c := context.Background(), newClock()
	old := open(t, t.TempDir(), WithClock(c.now))
	fill(t, old)
	s := open(t, t.TempDir(), WithClock(c.now), WithNames(newNames))
	a := value(s.StartAttempt(ctx, "bridge-by-hand", 2))(t)
	must(t, s.TaskPassed(ctx, a, "make-bridge"))

	text := export(t, old)
	if sum := value(s.Import(ctx, bytes.NewReader(text)))(t); sum.Attempts.New != 2 || sum.Tasks.New != 2 {
		t.Errorf("%+v", sum)
	}
	if sum := value(s.Import(ctx, bytes.NewReader(text)))(t); sum.Changed() {
		t.Errorf("once more: %+v", sum)
	}
	if lab := value(s.Labs(ctx))(t)["bridge-by-hand"]; !lab.Solved || lab.Attempts != 2 || !reflect.DeepEqual(lab.TasksDone, []string{"make-bridge", "ports"}) {
		t.Errorf("%+v", lab)
	}
	if sum := value(old.Import(ctx, bytes.NewReader(export(t, s))))(t); sum.Attempts != (Merged{New: 1, Same: 2}) {
		t.Errorf("back: %+v", sum)
	}
	if contents(t, old) != contents(t, s) {
		t.Errorf("there is\n%s\nhere is\n%s", contents(t, old), contents(t, s))
	}
}

// told is everything that a store tells.
func told(t testing.TB, s *Store) string {
	t.Helper()
	ctx := context.Background()
	show := value(s.Show(ctx))(t)
	show.File = ""
	return fmt.Sprintf("%+v\n%+v\n%+v\n%+v\n%+v", value(s.Labs(ctx))(t), value(s.Lessons(ctx))(t), value(s.Quizzes(ctx))(t), value(s.Resume(ctx))(t), show)
}

// Whatever the learner does under whichever of its names, it is told as if everything had
// always been called as it is now. To rename what has been renamed changes nothing more.
func TestNamesLaws(t *testing.T) {
	ctx := context.Background()
	names := renamed{
		"lab a": "c", "lab b": "c", "lab a/f": "c/h", "lab b/f": "c/h", "lab b/g": "c/h", "lab c/f": "c/h", "lab c/g": "c/h",
		"task c t1": "t3", "task c t2": "t3", "task d t1": "t2",
		"lesson x": "z", "lesson y": "z", "quiz x/q1": "z/q", "quiz y/q1": "z/q", "quiz z/q1": "z/q", "quiz x/predict/q1": "z/predict/q",
	}
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 7))
		pick := func(of ...string) string { return of[r.IntN(len(of))] }
		at := newClock().now() // both stores record at the same times
		clock := WithClock(func() time.Time { return at })
		mixed := open(t, t.TempDir(), clock, WithNames(names))
		always := open(t, t.TempDir(), clock)
		for range 60 {
			at = at.Add(time.Duration(1+r.IntN(9)) * time.Minute)
			switch r.IntN(3) {
			case 0:
				lesson, to := pick("x", "y", "z", "w"), r.IntN(9)
				must(t, mixed.ReadLesson(ctx, lesson, to))
				must(t, always.ReadLesson(ctx, names.Lesson(lesson), to))
				if r.IntN(3) == 0 {
					must(t, mixed.FinishLesson(ctx, lesson))
					must(t, always.FinishLesson(ctx, names.Lesson(lesson)))
				}
			case 1:
				quiz, right := pick("x/q1", "y/q1", "z/q1", "z/q", "z/other", "x/predict/q1", "z/predict/q"), r.IntN(2) == 0
				must(t, mixed.AnswerQuiz(ctx, quiz, right))
				must(t, always.AnswerQuiz(ctx, names.Quiz(quiz), right))
			default:
				lab, task := pick("a", "b", "c", "d", "a/f", "b/g", "c/h"), pick("t1", "t2", "t3")
				drawn := int64(r.IntN(5))
				m := value(mixed.StartAttempt(ctx, lab, drawn))(t)
				w := value(always.StartAttempt(ctx, names.Lab(lab), drawn))(t)
				must(t, mixed.TaskPassed(ctx, m, task))
				must(t, always.TaskPassed(ctx, w, names.Task(names.Lab(lab), task)))
				if r.IntN(2) == 0 {
					must(t, mixed.SolutionShown(ctx, m))
					must(t, always.SolutionShown(ctx, w))
				}
				at = at.Add(time.Duration(1+r.IntN(9)) * time.Minute)
				if r.IntN(2) == 0 {
					must(t, mixed.Solved(ctx, m))
					must(t, always.Solved(ctx, w))
				}
			}
		}
		always.names = names // which are those that it has
		want, got := told(t, always), told(t, mixed)
		always.names = asRecorded{}
		if plain := told(t, always); plain != want {
			t.Fatalf("seed %d: renamed again it is\n%s\nwant\n%s", seed, want, plain)
		}
		if got != want {
			t.Fatalf("seed %d: told\n%s\nwant\n%s", seed, got, want)
		}
	}
}
