package progress

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"underlay/engine"
)

// insertMany adds enough answers to make a file large.
func insertMany(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
		INSERT INTO answer SELECT hex(randomblob(13)), 'q', 1, 1700000000000 + i FROM n`)
	return err
}

func TestExportAndImport(t *testing.T) {
	ctx, c := context.Background(), newClock()
	from := open(t, t.TempDir(), WithClock(c.now))
	fill(t, from)
	text := export(t, from)

	to := open(t, t.TempDir())
	sum, err := to.Import(ctx, bytes.NewReader(text))
	must(t, err)
	want := Summary{Attempts: Merged{New: 2}, Tasks: Merged{New: 2}, Hints: Merged{New: 1}, Lessons: Merged{New: 2}, Answers: Merged{New: 2}}
	if sum != want || !sum.Changed() {
		t.Errorf("first import: %+v, want %+v", sum, want)
	}
	if got, want := contents(t, to), contents(t, from); got != want {
		t.Errorf("imported:\n%s\nexported:\n%s", got, want)
	}
	if sum = value(to.Import(ctx, bytes.NewReader(text)))(t); sum.Changed() || sum.Attempts.Same != 2 {
		t.Errorf("second import: %+v", sum)
	}
}

func TestExportIsStable(t *testing.T) {
	s := open(t, t.TempDir(), WithClock(newClock().now))
	if got := string(export(t, s)); got != `{
  "version": 1,
  "exported": "2026-03-01T12:00:01.000Z",
  "labs": [],
  "lessons": [],
  "quiz": []
}
` {
		t.Errorf("an empty export is\n%s", got)
	}
	ctx := context.Background()
	a := value(s.StartAttempt(ctx, "docker0", 7))(t)
	must(t, s.HintShown(ctx, a, "ports", 3))
	must(t, s.TaskPassed(ctx, a, "ports"))
	must(t, s.ReadLesson(ctx, "bridge", 2))
	var got any
	must(t, json.Unmarshal(export(t, s), &got))
	want := fmt.Sprintf(`{"version":1,"exported":"2026-03-01T12:00:05.000Z","labs":[{"id":"docker0",
		"tasks":[{"id":"ports","first_passed":"2026-03-01T12:00:03.000Z"}],
		"attempts":[{"id":%q,"seed":7,"started":"2026-03-01T12:00:02.000Z","last_seen":"2026-03-01T12:00:02.000Z",
		"solved":null,"ended":null,"resets":0,"solution_shown":false,"hints":[{"task":"ports","tier":3}]}]}],
		"lessons":[{"id":"bridge","position":2,"last_seen":"2026-03-01T12:00:04.000Z","finished":null}],"quiz":[]}`, a)
	var expect any
	must(t, json.Unmarshal([]byte(want), &expect))
	if g, w := value(jsonText(got))(t), value(jsonText(expect))(t); !bytes.Equal(g, w) {
		t.Errorf("got\n%s\nwant\n%s", g, w)
	}
}

func TestImportTakesTheMostOfBothSides(t *testing.T) {
	ctx, c := context.Background(), newClock()
	a := open(t, t.TempDir(), WithClock(c.now))
	id := value(a.StartAttempt(ctx, "docker0", 1))(t)
	must(t, a.HintShown(ctx, id, "t", 1))
	b := open(t, t.TempDir(), WithClock(c.now))
	value(b.Import(ctx, bytes.NewReader(export(t, a))))(t)
	must(t, b.HintShown(ctx, id, "t", 4)) // goes on elsewhere
	must(t, b.Solved(ctx, id))
	must(t, b.EndAttempt(ctx, id))
	must(t, a.Reset(ctx, id))
	must(t, a.ReadLesson(ctx, "l", 9))
	must(t, b.ReadLesson(ctx, "l", 3))

	sum := value(a.Import(ctx, bytes.NewReader(export(t, b))))(t)
	want := Summary{Attempts: Merged{Updated: 1}, Hints: Merged{Updated: 1}, Lessons: Merged{Updated: 1}}
	if sum != want {
		t.Errorf("summary %+v, want %+v", sum, want)
	}
	d := value(a.read(ctx))(t)
	got := d.Labs[0].Attempts[0]
	if got.Solved == nil || got.Ended == nil || got.Resets != 1 || got.Hints[0].Tier != 4 || d.Lessons[0].Position != 3 {
		t.Errorf("merged: %s", contents(t, a))
	}
}

// randomDocument makes an export over few ids, so that documents overlap. What
// belongs to an id and never changes is derived from it.
func randomDocument(r *rand.Rand) *document {
	at := func(base int) stamp { return stamp(1_700_000_000_000 + base*1000 + r.IntN(50)) }
	maybe := func(base int) *stamp {
		if r.IntN(2) == 0 {
			return nil
		}
		t := at(base)
		return &t
	}
	d := &document{Version: 1, Exported: at(0), Labs: []labEntry{}, Lessons: []lessonEntry{}, Quiz: []answerEntry{}}
	for l := range 1 + r.IntN(3) {
		lab := labEntry{ID: fmt.Sprint("lab", l)}
		for task := range r.IntN(4) {
			lab.Tasks = append(lab.Tasks, taskEntry{fmt.Sprint("t", task), at(10)})
		}
		for range r.IntN(5) {
			n := r.IntN(6)
			e := attemptEntry{
				ID: fmt.Sprint(lab.ID, "-", n), Seed: int64(n), Started: stamp(1_700_000_000_000 + n), LastSeen: at(20),
				Solved: maybe(10), Ended: maybe(20), Resets: r.IntN(3), SolutionShown: r.IntN(2) == 0,
			}
			for h := range r.IntN(3) {
				e.Hints = append(e.Hints, hintEntry{fmt.Sprint("t", h), 1 + r.IntN(4)})
			}
			lab.Attempts = append(lab.Attempts, e)
		}
		d.Labs = append(d.Labs, lab)
	}
	for range r.IntN(4) {
		d.Lessons = append(d.Lessons, lessonEntry{fmt.Sprint("l", r.IntN(3)), r.IntN(4), at(5), maybe(6)})
	}
	for range r.IntN(6) {
		n := r.IntN(8)
		d.Quiz = append(d.Quiz, answerEntry{fmt.Sprint("a", n), fmt.Sprint("q", n%3), n%2 == 0, stamp(1_700_000_000_000 + n)})
	}
	return d
}

// Merging is idempotent, commutative and associative: any order of any
// documents, each any number of times, gives the same progress.
func TestMergeLaws(t *testing.T) {
	ctx := context.Background()
	for seed := range uint64(16) {
		r := rand.New(rand.NewPCG(seed, 1))
		var docs [][]byte
		for range 3 {
			docs = append(docs, value(jsonText(randomDocument(r)))(t))
		}
		merged := func(order ...int) string {
			s, _, err := Open(t.TempDir())
			must(t, err)
			defer s.Close() //nolint:errcheck // a test's
			for _, i := range order {
				value(s.Import(ctx, bytes.NewReader(docs[i])))(t)
			}
			before := contents(t, s)
			sum := value(s.Import(ctx, bytes.NewReader(docs[order[0]])))(t)
			if sum.Changed() || contents(t, s) != before {
				t.Fatalf("seed %d: importing again changed something: %+v", seed, sum)
			}
			return before
		}
		want := merged(0, 1, 2)
		for _, order := range [][]int{{2, 1, 0}, {1, 0, 2, 1}, {0, 0, 2, 1, 2}} {
			if got := merged(order...); got != want {
				t.Fatalf("seed %d: order %v gives\n%s\nand 0 1 2 gives\n%s", seed, order, got, want)
			}
		}
	}
}

func TestImportRefusesGarbage(t *testing.T) {
	ctx := context.Background()
	s := open(t, t.TempDir())
	fill(t, s)
	before := contents(t, s)
	id := value(s.read(ctx))(t).Labs[0].Attempts[0].ID
	const lesson = `{"id":"new","position":1,"last_seen":"2026-01-01T00:00:00Z","finished":null}`
	for name, c := range map[string]struct{ text, want string }{
		"empty":          {"", "line 1, column 1: the file ends too early"},
		"not JSON":       {"hello", "line 1, column 1: invalid character"},
		"a list":         {"[]", "line 1, column 1: a progress file begins"},
		"cut":            {"{\n \"version\": 1,\n \"lessons\": [" + lesson, "line 3, column"},
		"no version":     {`{"lessons":[]}`, `"version" is missing`},
		"newer":          {`{"version":2}`, "format 2"},
		"version 0":      {`{"version":0}`, "line 1, column 2: there is no format 0"},
		"unknown":        {"{\"version\":1,\n  \"lesons\":[]}", `line 2, column 3: unknown field "lesons"`},
		"unknown inside": {"{\"version\":1,\n\"lessons\":[\n {\"id\":\"x\",\"page\":2}]}", `line 3, column 2: unknown field "page"`},
		"twice":          {`{"version":1,"version":1}`, `"version" is there twice`},
		"wrong type":     {"{\"version\":1,\n\"lessons\":[" + lesson + ",\n{\"id\":5}]}", `line 3, column 8: "id" cannot be a JSON number`},
		"bad time":       {"{\"version\":1,\n\"lessons\":[" + lesson + ",\n {\"id\":\"x\",\"last_seen\":\"noon\"}]}", `line 3, column 2: "noon" is not a time`},
		"ancient":        {`{"version":1,"lessons":[{"id":"x","last_seen":"1066-10-14T09:00:00Z"}]}`, "between 1970"},
		"after the end":  {"{\"version\":1}\n\n x", "line 3, column 2: there is more after the end"},
		"no id":          {`{"version":1,"lessons":[` + lesson + `,{"position":1}]}`, "a lesson has no id"},
		"before start": {`{"version":1,"labs":[{"id":"l","attempts":[{"id":"a","started":"2026-01-02T00:00:00Z",
			"last_seen":"2026-01-01T00:00:00Z"}]}]}`, `attempts[0]: "last_seen" is before "started"`},
		"stolen id": {`{"version":1,"lessons":[` + lesson + `],"labs":[{"id":"l","attempts":[{"id":"` + id + `","started":"2026-01-01T00:00:00Z",
			"last_seen":"2026-01-01T00:00:00Z"}]}]}`, "cannot be merged"},
		"not UTF-8": {"{\"version\":1,\n\"\xff\":1}", "line 2, column 2: not UTF-8"},
		"not lists": {`{"version":1,"labs":7}`, "line 1, column 21: a list is needed"},
		"deep":      {`{"version":1,"labs":[` + strings.Repeat("[", 100_000), "exceeded max depth"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.Import(ctx, strings.NewReader(c.text))
			var hinted *engine.Error
			if !errors.As(err, &hinted) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want %q and a hint", err, c.want)
			}
			if contents(t, s) != before {
				t.Error("something was changed")
			}
		})
	}
}

func TestImportRefusesTooMuch(t *testing.T) {
	s := open(t, t.TempDir())
	_, err := s.Import(context.Background(), &endless{})
	if err == nil || !strings.Contains(err.Error(), "larger than 32 MiB") {
		t.Errorf("got %v", err)
	}
}

// endless is a file without an end.
type endless struct{ n int }

func (e *endless) Read(b []byte) (int, error) {
	if e.n += len(b); e.n > 2*MaxImport {
		return 0, errors.New("read on beyond the limit")
	}
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"version":1,"labs":[{"id":"l","tasks":[],"attempts":[]}],"quiz":[]}`))
	f.Add([]byte(`{"version":1,"lessons":[{"id":5}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := parse(bytes.NewReader(text))
		if err == nil && d.Version != formatVersion {
			t.Errorf("took version %d", d.Version)
		}
		var hinted *engine.Error
		if err != nil && !errors.As(err, &hinted) {
			t.Errorf("no hint: %v", err)
		}
	})
}
