package progress

import (
	"cmp"
	"context"
	"database/sql"
	"maps"
	"slices"
	"time"
)

// LabProgress is what has been done of one lab, over all attempts.
type LabProgress struct {
	Attempts int
	Solved   bool
	// Best is the shortest time from opening the lab to solving it, of the
	// attempts in which no solution was shown; 0 if there is none.
	Best      time.Duration
	TasksDone []string // ids of the tasks that have ever passed, the first one first
	LastSeen  time.Time
}

// Labs returns the progress of every lab that has been opened, by lab id.
func (s *Store) Labs(ctx context.Context) (map[string]LabProgress, error) {
	labs := map[string]LabProgress{}
	err := s.snapshot(ctx, func(ctx context.Context, tx *sql.Tx) error {
		best := map[string]int64{}
		err := each(ctx, tx, `SELECT lab, count(*), max(seen), max(solved IS NOT NULL),
				min(CASE WHEN solved IS NOT NULL AND solution = 0 THEN solved - started END)
			FROM attempt GROUP BY lab`,
			func(scan func(...any) error) error {
				var lab string
				var attempts int
				var seen int64
				var solved bool
				var took sql.NullInt64
				if err := scan(&lab, &attempts, &seen, &solved, &took); err != nil {
					return err
				}
				lab = s.names.Lab(lab)
				p := labs[lab]
				p.Attempts += attempts
				p.Solved = p.Solved || solved
				p.LastSeen = later(p.LastSeen, seen)
				if known, ok := best[lab]; took.Valid && (!ok || took.Int64 < known) {
					best[lab] = took.Int64
					p.Best = time.Duration(took.Int64) * time.Millisecond
				}
				labs[lab] = p
				return nil
			})
		if err != nil {
			return err
		}
		return s.tasksDone(ctx, tx, labs)
	})
	return labs, err
}

// tasksDone adds to the progress of labs which tasks have passed.
func (s *Store) tasksDone(ctx context.Context, tx *sql.Tx, labs map[string]LabProgress) error {
	type task struct{ lab, id string }
	first := map[task]int64{}
	err := each(ctx, tx, "SELECT lab, task, at FROM task_first",
		func(scan func(...any) error) error {
			var t task
			var at int64
			if err := scan(&t.lab, &t.id, &at); err != nil {
				return err
			}
			t.lab = s.names.Lab(t.lab)
			t.id = s.names.Task(t.lab, t.id)
			if known, ok := first[t]; !ok || at < known {
				first[t] = at
			}
			p := labs[t.lab]
			p.LastSeen = later(p.LastSeen, at)
			labs[t.lab] = p
			return nil
		})
	if err != nil {
		return err
	}
	inOrder := slices.SortedFunc(maps.Keys(first), func(a, b task) int {
		return cmp.Or(cmp.Compare(first[a], first[b]), cmp.Compare(a.id, b.id))
	})
	for _, t := range inOrder {
		p := labs[t.lab]
		p.TasksDone = append(p.TasksDone, t.id)
		labs[t.lab] = p
	}
	return nil
}

// later is the later of two times, of which one is as it is stored.
func later(t time.Time, ms int64) time.Time {
	if at := fromMilli(ms); at.After(t) {
		return at
	}
	return t
}

// LessonProgress is how far one lesson has been read.
type LessonProgress struct {
	Position int // in the reader's unit
	Finished bool
	LastSeen time.Time
}

// Lessons returns the progress of every lesson that has been opened, by its id.
func (s *Store) Lessons(ctx context.Context) (map[string]LessonProgress, error) {
	lessons := map[string]LessonProgress{}
	err := s.snapshot(ctx, func(ctx context.Context, tx *sql.Tx) error {
		return each(ctx, tx, "SELECT id, position, seen, finished IS NOT NULL FROM lesson",
			func(scan func(...any) error) error {
				var id string
				var seen int64
				var p LessonProgress
				if err := scan(&id, &p.Position, &seen, &p.Finished); err != nil {
					return err
				}
				id = s.names.Lesson(id)
				p.LastSeen = fromMilli(seen)
				if other, ok := lessons[id]; ok {
					p = p.with(other)
				}
				lessons[id] = p
				return nil
			})
	})
	return lessons, err
}

// with joins what was recorded of one lesson under two ids, as Import does for one.
func (p LessonProgress) with(other LessonProgress) LessonProgress {
	if cmp.Or(other.LastSeen.Compare(p.LastSeen), cmp.Compare(other.Position, p.Position)) > 0 {
		p.Position, p.LastSeen = other.Position, other.LastSeen
	}
	p.Finished = p.Finished || other.Finished
	return p
}

// QuizProgress is how one quiz has been answered.
type QuizProgress struct {
	Right, Wrong int  // how many answers of each kind
	LastRight    bool // the latest answer was right
	LastSeen     time.Time
}

// Quizzes returns how every quiz that has been answered went, by its id.
func (s *Store) Quizzes(ctx context.Context) (map[string]QuizProgress, error) {
	quizzes := map[string]QuizProgress{}
	err := s.snapshot(ctx, func(ctx context.Context, tx *sql.Tx) error {
		return each(ctx, tx, "SELECT quiz, right, at FROM answer ORDER BY at, id",
			func(scan func(...any) error) error {
				var id string
				var right bool
				var at int64
				if err := scan(&id, &right, &at); err != nil {
					return err
				}
				id = s.names.Quiz(id)
				p := quizzes[id]
				if right {
					p.Right++
				} else {
					p.Wrong++
				}
				p.LastRight, p.LastSeen = right, fromMilli(at)
				quizzes[id] = p
				return nil
			})
	})
	return quizzes, err
}

// Position is where the learner was. Ids are empty if there is no such thing yet.
type Position struct {
	Lesson   string // the lesson read last
	Position int    // in that lesson
	LessonAt time.Time

	Lab       string // the lab opened last
	Seed      int64  // with which it was
	LabSolved bool   // in that attempt
	LabAt     time.Time
}

// Resume returns where the learner was.
func (s *Store) Resume(ctx context.Context) (Position, error) {
	var p Position
	err := s.snapshot(ctx, func(ctx context.Context, tx *sql.Tx) error {
		err := each(ctx, tx, "SELECT id, position, seen FROM lesson ORDER BY seen DESC, id LIMIT 1",
			func(scan func(...any) error) error {
				var seen int64
				err := scan(&p.Lesson, &p.Position, &seen)
				p.Lesson = s.names.Lesson(p.Lesson)
				p.LessonAt = fromMilli(seen)
				return err
			})
		if err != nil {
			return err
		}
		return each(ctx, tx, "SELECT lab, seed, solved IS NOT NULL, seen FROM attempt ORDER BY seen DESC, id LIMIT 1",
			func(scan func(...any) error) error {
				var seen int64
				err := scan(&p.Lab, &p.Seed, &p.LabSolved, &seen)
				p.Lab = s.names.Lab(p.Lab)
				p.LabAt = fromMilli(seen)
				return err
			})
	})
	return p, err
}

// snapshot runs queries that see one state of the file.
func (s *Store) snapshot(ctx context.Context, f func(context.Context, *sql.Tx) error) error {
	return s.call(ctx, func(ctx context.Context) (err error) {
		tx, err := s.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
		if err != nil {
			return err
		}
		defer func() {
			if end := rollback(tx); err == nil {
				err = end
			}
		}()
		return f(ctx, tx)
	})
}

// each calls f for every row of a query.
func each(ctx context.Context, tx *sql.Tx, query string, f func(scan func(...any) error) error) error {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	for rows.Next() {
		if err := f(rows.Scan); err != nil {
			_ = rows.Close() // the scan's error says what is wrong
			return err
		}
	}
	return rows.Err()
}
