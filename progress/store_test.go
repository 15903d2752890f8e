package progress

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"underlay/engine"
)

func jsonText(v any) ([]byte, error) { return json.MarshalIndent(v, "", " ") }

func TestOpenMakesAPrivateDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a?b", "c#d %41")
	open(t, dir)
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, fileName): 0o600} {
		fi, err := os.Stat(path)
		must(t, err)
		if got := fi.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", path, got, want)
		}
	}
}

func TestLabs(t *testing.T) {
	ctx, c := context.Background(), newClock()
	s := open(t, t.TempDir(), WithClock(c.now))

	slow := value(s.StartAttempt(ctx, "docker0", 0))(t) // 12:00:01
	c.add(10 * time.Minute)
	must(t, s.Solved(ctx, slow)) // 12:10:02
	fast := value(s.StartAttempt(ctx, "docker0", 5))(t)
	c.add(2 * time.Minute)
	must(t, s.TaskPassed(ctx, fast, "ports"))
	must(t, s.TaskPassed(ctx, fast, "bridge"))
	must(t, s.TaskPassed(ctx, fast, "ports"))
	must(t, s.Solved(ctx, fast))
	c.add(time.Hour)
	must(t, s.Solved(ctx, fast)) // only the first time counts
	told := value(s.StartAttempt(ctx, "docker0", 6))(t)
	must(t, s.SolutionShown(ctx, told))
	must(t, s.Solved(ctx, told)) // does not count for Best
	open := value(s.StartAttempt(ctx, "egress-nat", 0))(t)
	must(t, s.EndAttempt(ctx, open))

	labs := value(s.Labs(ctx))(t)
	d := labs["docker0"]
	if d.Attempts != 3 || !d.Solved || d.Best != 2*time.Minute+3*time.Second+time.Second {
		t.Errorf("docker0: %+v", d)
	}
	if want := []string{"ports", "bridge"}; !reflect.DeepEqual(d.TasksDone, want) {
		t.Errorf("tasks done %q, want %q", d.TasksDone, want)
	}
	if e := labs["egress-nat"]; e.Solved || e.Attempts != 1 || e.Best != 0 || !e.LastSeen.After(d.LastSeen) {
		t.Errorf("egress-nat: %+v", e)
	}
	if got := d.LastSeen.Location(); got != time.UTC {
		t.Errorf("times are in %v", got)
	}
}

func TestLessonsQuizzesAndResume(t *testing.T) {
	ctx, c := context.Background(), newClock()
	s := open(t, t.TempDir(), WithClock(c.now))
	if p := value(s.Resume(ctx))(t); p != (Position{}) {
		t.Errorf("a fresh store resumes at %+v", p)
	}
	fill(t, s)
	lessons := value(s.Lessons(ctx))(t)
	if l := lessons["bridge"]; !l.Finished || l.Position != 12 {
		t.Errorf("bridge: %+v", l)
	}
	if q := value(s.Quizzes(ctx))(t)["who-bridges"]; q.Right != 1 || q.Wrong != 1 || !q.LastRight {
		t.Errorf("quiz: %+v", q)
	}
	p := value(s.Resume(ctx))(t)
	if p.Lesson != "nat <&> \"é\"" || p.Position != 4 || p.Lab != "egress-nat" || p.Seed != -3 || p.LabSolved {
		t.Errorf("resume: %+v", p)
	}
	o := value(s.Show(ctx))(t)
	if len(o.Labs) != 2 || o.Labs[0].ID != "egress-nat" || len(o.Lessons) != 2 || o.Quiz.Mastered != 1 {
		t.Errorf("show: %+v", o)
	}
}

func TestWhatIsRecordedIsThereAfterReopening(t *testing.T) {
	dir := t.TempDir()
	s, _, err := Open(dir)
	must(t, err)
	fill(t, s)
	before := contents(t, s)
	must(t, s.Close())
	if after := contents(t, open(t, dir)); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

func TestBadCallsAreRefused(t *testing.T) {
	ctx := context.Background()
	s := open(t, t.TempDir())
	for name, err := range map[string]error{
		"solved":   s.Solved(ctx, "none"),
		"task":     s.TaskPassed(ctx, "none", "t"),
		"hint":     s.HintShown(ctx, "none", "t", 1),
		"end":      s.EndAttempt(ctx, "none"),
		"solution": s.SolutionShown(ctx, "none"),
		"reset":    s.Reset(ctx, "none"),
	} {
		if !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("%s of no attempt: %v", name, err)
		}
	}
	a := value(s.StartAttempt(ctx, "l", 0))(t)
	if err := s.HintShown(ctx, a, "t", 0); err == nil {
		t.Error("hint tier 0 was taken")
	}
	for _, id := range []string{"", "a\nb", string(make([]byte, MaxID+1)), "\xff"} {
		if err := s.ReadLesson(ctx, id, 0); err == nil {
			t.Errorf("lesson id %q was taken", id)
		}
	}
}

func TestUnusableDirectories(t *testing.T) {
	base := t.TempDir()
	file := filepath.Join(base, "file")
	must(t, os.WriteFile(file, nil, 0o600))
	dirs := map[string]string{"below a file": filepath.Join(file, "state"), "a file": file}
	if os.Getuid() != 0 {
		shut := filepath.Join(base, "shut")
		must(t, os.Mkdir(shut, 0o500))
		dirs["read-only"], dirs["in a read-only one"] = shut, filepath.Join(shut, "state")
	} else {
		dirs["in /proc"] = "/proc/underlay"
	}
	for name, dir := range dirs {
		_, _, err := Open(dir)
		var hinted *engine.Error
		if !errors.As(err, &hinted) || hinted.Hint == "" {
			t.Errorf("%s: %v has no hint", name, err)
		}
	}
}

func TestCallsOnALockedFileEnd(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	other := open(t, dir)
	ctx := context.Background()
	tx, err := other.db.BeginTx(ctx, nil)
	must(t, err)
	start := time.Now()
	err = s.ReadLesson(ctx, "l", 1)
	var hinted *engine.Error
	if !errors.As(err, &hinted) {
		t.Errorf("a write while another holds the lock: %v", err)
	}
	if took := time.Since(start); took > callLimit+500*time.Millisecond {
		t.Errorf("it took %v", took)
	}
	if _, err := s.Lessons(ctx); err != nil {
		t.Errorf("a read while another writes: %v", err)
	}
	must(t, tx.Rollback())
	must(t, s.ReadLesson(ctx, "l", 1))
}

func TestOpeningWhileAnotherOpensEnds(t *testing.T) {
	dir := t.TempDir()
	must(t, prepareDir(dir))
	unlock, err := lockFile(filepath.Join(dir, fileName+".lock"), time.Second)
	must(t, err)
	start := time.Now()
	if _, _, err := Open(dir); err == nil || time.Since(start) > 3*time.Second {
		t.Errorf("got %v after %v", err, time.Since(start))
	}
	must(t, unlock())
	open(t, dir)
}

func BenchmarkOpenFirst(b *testing.B) {
	for b.Loop() {
		s, _, err := Open(b.TempDir())
		must(b, err)
		must(b, s.Close())
	}
}

func BenchmarkOpenAndRead(b *testing.B) {
	dir, ctx := b.TempDir(), context.Background()
	s, _, err := Open(dir)
	must(b, err)
	for range 20 {
		fill(b, s)
	}
	must(b, s.Close())
	for b.Loop() {
		s, _, err := Open(dir)
		must(b, err)
		value(s.Labs(ctx))(b)
		value(s.Lessons(ctx))(b)
		value(s.Quizzes(ctx))(b)
		value(s.Resume(ctx))(b)
		must(b, s.Close())
	}
}

func BenchmarkRecord(b *testing.B) {
	s := open(b, b.TempDir())
	for b.Loop() {
		must(b, s.ReadLesson(context.Background(), "l", 3))
	}
}
