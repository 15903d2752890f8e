package progress

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// TestMain lets the test binary stand in for other programs that have the same
// file open: started with a role in its environment, it plays that.
func TestMain(m *testing.M) {
	if role := os.Getenv("PROGRESS_TEST_ROLE"); role != "" {
		if err := play(role, os.Getenv("PROGRESS_TEST_DIR"), os.Getenv("PROGRESS_TEST_NAME")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// clock is a time that moves on by a second each time it is looked at.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(time.Second)
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func open(t testing.TB, dir string, options ...Option) *Store {
	t.Helper()
	s, notice, err := Open(dir, options...)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	if notice != "" {
		t.Fatalf("unexpected notice: %s", notice)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func value[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		must(t, err)
		return v
	}
}

// fill records something of every kind.
func fill(t testing.TB, s *Store) {
	t.Helper()
	ctx := context.Background()
	a := value(s.StartAttempt(ctx, "docker0", 7))(t)
	must(t, s.TaskPassed(ctx, a, "bridge"))
	must(t, s.HintShown(ctx, a, "ports", 2))
	must(t, s.Reset(ctx, a))
	must(t, s.TaskPassed(ctx, a, "ports"))
	must(t, s.Solved(ctx, a))
	must(t, s.EndAttempt(ctx, a))
	b := value(s.StartAttempt(ctx, "egress-nat", -3))(t)
	must(t, s.SolutionShown(ctx, b))
	must(t, s.ReadLesson(ctx, "bridge", 12))
	must(t, s.FinishLesson(ctx, "bridge"))
	must(t, s.ReadLesson(ctx, "nat <&> \"é\"", 4))
	must(t, s.AnswerQuiz(ctx, "who-bridges", false))
	must(t, s.AnswerQuiz(ctx, "who-bridges", true))
}

// contents is everything in a store, without the time of the export.
func contents(t testing.TB, s *Store) string {
	t.Helper()
	d := value(s.read(context.Background()))(t)
	return string(value(jsonText(d))(t))
}

func export(t testing.TB, s *Store) []byte {
	t.Helper()
	var b bytes.Buffer
	must(t, s.Export(context.Background(), &b))
	return b.Bytes()
}

func glob(t testing.TB, pattern ...string) []string {
	t.Helper()
	return value(filepath.Glob(filepath.Join(pattern...)))(t)
}
