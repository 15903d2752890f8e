package progress

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"time"

	"underlay/engine"
)

// importLimit is how long an import may hold the file. It is a command of its
// own, not something a screen waits for.
const importLimit = 60 * time.Second

// Summary says what Import did: New counts what was not there before, Updated
// what the import knew more about.
type Summary struct {
	Attempts Merged `json:"attempts"`
	Tasks    Merged `json:"tasks"`
	Hints    Merged `json:"hints"`
	Lessons  Merged `json:"lessons"`
	Answers  Merged `json:"answers"`
}

// Merged counts entries of one kind.
type Merged struct {
	New     int `json:"new"`
	Updated int `json:"updated"`
	Same    int `json:"same"`
}

// Changed says whether the import changed anything.
func (s Summary) Changed() bool {
	for _, m := range []Merged{s.Attempts, s.Tasks, s.Hints, s.Lessons, s.Answers} {
		if m.New+m.Updated > 0 {
			return true
		}
	}
	return false
}

// Import merges what Export wrote, here or on another machine. Attempts and
// answers are united by their ids; of what both sides know, the earliest
// "first" and the latest "last" stay. Importing the same text twice changes
// nothing more, and the order of imports does not matter. Text that is not an
// export is refused with the line and column, and then nothing is changed.
func (s *Store) Import(ctx context.Context, r io.Reader) (Summary, error) {
	d, err := parse(r)
	if err != nil {
		return Summary{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, importLimit)
	defer cancel()
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return Summary{}, s.explain(err)
	}
	m := merger{ctx: ctx, tx: tx}
	if err := m.document(d); err != nil {
		return Summary{}, s.explain(errors.Join(err, rollback(tx)))
	}
	if err := tx.Commit(); err != nil {
		return Summary{}, s.explain(err)
	}
	return m.summary, nil
}

// merger merges a document within one transaction.
type merger struct {
	ctx     context.Context
	tx      *sql.Tx
	summary Summary
}

func (m *merger) document(d *document) error {
	for i := range d.Labs {
		if err := m.lab(&d.Labs[i]); err != nil {
			return err
		}
	}
	for _, l := range d.Lessons {
		if err := m.put(&m.summary.Lessons, insertLesson, updateLesson, l.ID, l.Position, l.LastSeen, l.Finished); err != nil {
			return err
		}
	}
	for _, a := range d.Quiz {
		if err := m.put(&m.summary.Answers, insertAnswer, "", a.ID, a.Quiz, a.Right, a.At); err != nil {
			return err
		}
	}
	return nil
}

func (m *merger) lab(l *labEntry) error {
	for _, t := range l.Tasks {
		if err := m.put(&m.summary.Tasks, insertTask, updateTask, l.ID, t.ID, t.FirstPassed); err != nil {
			return err
		}
	}
	for i := range l.Attempts {
		a := &l.Attempts[i]
		if err := m.sameAttempt(l.ID, a); err != nil {
			return err
		}
		err := m.put(&m.summary.Attempts, insertAttempt, updateAttempt,
			a.ID, l.ID, a.Seed, a.Started, a.LastSeen, a.Solved, a.Ended, a.Resets, a.SolutionShown)
		if err != nil {
			return err
		}
		for _, h := range a.Hints {
			if err := m.put(&m.summary.Hints, insertHint, updateHint, a.ID, h.Task, h.Tier); err != nil {
				return err
			}
		}
	}
	return nil
}

// sameAttempt refuses an attempt whose id stands for another one here.
func (m *merger) sameAttempt(lab string, a *attemptEntry) error {
	var known string
	var seed int64
	var started stamp
	err := m.tx.QueryRowContext(m.ctx, "SELECT lab, seed, started FROM attempt WHERE id = ?", a.ID).Scan(&known, &seed, &started)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return err
	case known != lab || seed != a.Seed || started != a.Started:
		return engine.Hintf(
			fmt.Errorf("attempt %q of lab %q cannot be merged: here that id belongs to another attempt, of lab %q", clip(a.ID), clip(lab), known),
			"import a file that `underlay progress export` wrote; nothing was changed")
	}
	return nil
}

// put inserts an entry or, if it is there, updates it. The update changes a row
// only if it says something new.
func (m *merger) put(count *Merged, insert, update string, args ...any) error {
	n, err := m.exec(insert, args)
	switch {
	case err != nil:
		return err
	case n > 0:
		count.New++
		return nil
	case update == "":
		count.Same++
		return nil
	}
	if n, err = m.exec(update, args); err != nil {
		return err
	}
	if n > 0 {
		count.Updated++
	} else {
		count.Same++
	}
	return nil
}

func (m *merger) exec(query string, args []any) (int64, error) {
	r, err := m.tx.ExecContext(m.ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// The statements of a merge. Every value can move in one direction only, which
// makes merging idempotent and its order irrelevant. "min" and "max" of SQLite
// are null if an argument is, hence coalesce.
const (
	insertAttempt = `INSERT INTO attempt (id, lab, seed, started, seen, solved, ended, resets, solution)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING`
	updateAttempt = `UPDATE attempt SET
			seen = max(seen, ?5),
			solved = min(coalesce(solved, ?6), coalesce(?6, solved)),
			ended = max(coalesce(ended, ?7), coalesce(?7, ended)),
			resets = max(resets, ?8),
			solution = max(solution, ?9)
		WHERE id = ?1 AND lab = ?2 AND seed = ?3 AND started = ?4 AND (
			seen < ?5 OR solved > ?6 OR (solved IS NULL AND ?6 IS NOT NULL)
			OR ended < ?7 OR (ended IS NULL AND ?7 IS NOT NULL) OR resets < ?8 OR solution < ?9)`

	insertHint = `INSERT INTO hint (attempt, task, tier) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING`
	updateHint = `UPDATE hint SET tier = ?3 WHERE attempt = ?1 AND task = ?2 AND tier < ?3`

	insertTask = `INSERT INTO task_first (lab, task, at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING`
	updateTask = `UPDATE task_first SET at = ?3 WHERE lab = ?1 AND task = ?2 AND at > ?3`

	insertLesson = `INSERT INTO lesson (id, position, seen, finished) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING`
	updateLesson = `UPDATE lesson SET
			position = CASE WHEN (?3, ?2) > (seen, position) THEN ?2 ELSE position END,
			seen = max(seen, ?3),
			finished = min(coalesce(finished, ?4), coalesce(?4, finished))
		WHERE id = ?1 AND ((?3, ?2) > (seen, position)
			OR finished > ?4 OR (finished IS NULL AND ?4 IS NOT NULL))`

	insertAnswer = `INSERT INTO answer (id, quiz, right, at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING`
)
