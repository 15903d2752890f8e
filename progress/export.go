package progress

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
)

// Export writes everything as JSON, in a format that does not change within
// "version": 1. The same progress always gives the same text but for the
// "exported" time.
func (s *Store) Export(ctx context.Context, w io.Writer) error {
	d, err := s.read(ctx)
	if err != nil {
		return err
	}
	d.Exported = stamp(s.clock())
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(d); err != nil {
		return fmt.Errorf("write progress: %w", err)
	}
	return nil
}

// read returns everything there is, sorted.
func (s *Store) read(ctx context.Context) (*document, error) {
	d := &document{Version: formatVersion, Labs: []labEntry{}, Lessons: []lessonEntry{}, Quiz: []answerEntry{}}
	err := s.snapshot(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := readLabs(ctx, tx, d); err != nil {
			return err
		}
		err := each(ctx, tx, "SELECT id, position, seen, finished FROM lesson ORDER BY id",
			func(scan func(...any) error) error {
				var l lessonEntry
				err := scan(&l.ID, &l.Position, &l.LastSeen, &l.Finished)
				d.Lessons = append(d.Lessons, l)
				return err
			})
		if err != nil {
			return err
		}
		return each(ctx, tx, "SELECT id, quiz, right, at FROM answer ORDER BY at, id",
			func(scan func(...any) error) error {
				var a answerEntry
				err := scan(&a.ID, &a.Quiz, &a.Right, &a.At)
				d.Quiz = append(d.Quiz, a)
				return err
			})
	})
	return d, err
}

func readLabs(ctx context.Context, tx *sql.Tx, d *document) error {
	index := map[string]int{}
	err := each(ctx, tx, "SELECT lab FROM attempt UNION SELECT lab FROM task_first ORDER BY 1",
		func(scan func(...any) error) error {
			l := labEntry{Tasks: []taskEntry{}, Attempts: []attemptEntry{}}
			err := scan(&l.ID)
			index[l.ID] = len(d.Labs)
			d.Labs = append(d.Labs, l)
			return err
		})
	if err != nil {
		return err
	}
	err = each(ctx, tx, "SELECT lab, task, at FROM task_first ORDER BY at, task",
		func(scan func(...any) error) error {
			var lab string
			var t taskEntry
			if err := scan(&lab, &t.ID, &t.FirstPassed); err != nil {
				return err
			}
			l := &d.Labs[index[lab]]
			l.Tasks = append(l.Tasks, t)
			return nil
		})
	if err != nil {
		return err
	}
	hints := map[string][]hintEntry{}
	err = each(ctx, tx, "SELECT attempt, task, tier FROM hint ORDER BY attempt, task",
		func(scan func(...any) error) error {
			var attempt string
			var h hintEntry
			err := scan(&attempt, &h.Task, &h.Tier)
			hints[attempt] = append(hints[attempt], h)
			return err
		})
	if err != nil {
		return err
	}
	return each(ctx, tx, `SELECT lab, id, seed, started, seen, solved, ended, resets, solution
			FROM attempt ORDER BY started, id`,
		func(scan func(...any) error) error {
			var lab string
			a := attemptEntry{}
			if err := scan(&lab, &a.ID, &a.Seed, &a.Started, &a.LastSeen, &a.Solved, &a.Ended, &a.Resets, &a.SolutionShown); err != nil {
				return err
			}
			if a.Hints = hints[a.ID]; a.Hints == nil {
				a.Hints = []hintEntry{}
			}
			l := &d.Labs[index[lab]]
			l.Attempts = append(l.Attempts, a)
			return nil
		})
}
