package progress

import (
	"context"
	"database/sql"
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
		err := each(ctx, tx, `SELECT lab, count(*), max(seen), max(solved IS NOT NULL),
				min(CASE WHEN solved IS NOT NULL AND solution = 0 THEN solved - started END)
			FROM attempt GROUP BY lab`,
			func(scan func(...any) error) error {
				var id string
				var p LabProgress
				var seen int64
				var best sql.NullInt64
				if err := scan(&id, &p.Attempts, &seen, &p.Solved, &best); err != nil {
					return err
				}
				p.LastSeen = fromMilli(seen)
				p.Best = time.Duration(best.Int64) * time.Millisecond
				labs[id] = p
				return nil
			})
		if err != nil {
			return err
		}
		return each(ctx, tx, "SELECT lab, task, at FROM task_first ORDER BY lab, at, task",
			func(scan func(...any) error) error {
				var lab, task string
				var at int64
				if err := scan(&lab, &task, &at); err != nil {
					return err
				}
				p := labs[lab]
				p.TasksDone = append(p.TasksDone, task)
				if t := fromMilli(at); t.After(p.LastSeen) {
					p.LastSeen = t
				}
				labs[lab] = p
				return nil
			})
	})
	return labs, err
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
				p.LastSeen = fromMilli(seen)
				lessons[id] = p
				return nil
			})
	})
	return lessons, err
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

// Place is where the learner was. Ids are empty if there is no such thing yet.
type Place struct {
	Lesson   string // the lesson read last
	Position int    // in that lesson
	LessonAt time.Time

	Lab       string // the lab opened last
	Seed      int64  // with which it was
	LabSolved bool   // in that attempt
	LabAt     time.Time
}

// Resume returns where the learner was.
func (s *Store) Resume(ctx context.Context) (Place, error) {
	var p Place
	err := s.snapshot(ctx, func(ctx context.Context, tx *sql.Tx) error {
		err := each(ctx, tx, "SELECT id, position, seen FROM lesson ORDER BY seen DESC, id LIMIT 1",
			func(scan func(...any) error) error {
				var seen int64
				err := scan(&p.Lesson, &p.Position, &seen)
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
