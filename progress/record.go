package progress

import (
	"context"
	"crypto/rand"
	"fmt"
	"unicode"
	"unicode/utf8"

	"underlay/engine"
)

// MaxID is how many bytes an id of a lab, task, lesson, quiz or attempt may have.
const MaxID = 200

// checkID says what is wrong with an id.
func checkID(what, id string) error {
	switch {
	case id == "":
		return fmt.Errorf("%s has no id", what)
	case len(id) > MaxID:
		return fmt.Errorf("the id of %s is longer than %d bytes", what, MaxID)
	case !utf8.ValidString(id):
		return fmt.Errorf("the id of %s is not text", what)
	}
	for _, r := range id {
		if unicode.IsControl(r) {
			return fmt.Errorf("the id of %s has a control character", what)
		}
	}
	return nil
}

// StartAttempt records that a lab has been opened, with the seed that its
// parameters were drawn with, and returns the new attempt's id.
func (s *Store) StartAttempt(ctx context.Context, lab string, seed int64) (attempt string, err error) {
	if err := checkID("a lab", lab); err != nil {
		return "", err
	}
	attempt = rand.Text()
	now := s.clock()
	_, err = s.exec(ctx, "INSERT INTO attempt (id, lab, seed, started, seen) VALUES (?, ?, ?, ?, ?)",
		attempt, lab, seed, now, now)
	return attempt, err
}

// update changes one attempt and its last sign of life. In set, ?1 is the id
// and ?2 the time now.
func (s *Store) update(ctx context.Context, attempt, set string) error {
	n, err := s.exec(ctx, "UPDATE attempt SET seen = max(seen, ?2)"+set+" WHERE id = ?1", attempt, s.clock())
	if err == nil && n == 0 {
		err = noAttempt(attempt)
	}
	return err
}

func noAttempt(id string) error { return fmt.Errorf("attempt %q: %w", id, engine.ErrNotFound) }

// Solved records that all tasks of an attempt pass. Only the first time counts.
func (s *Store) Solved(ctx context.Context, attempt string) error {
	return s.update(ctx, attempt, ", solved = coalesce(solved, max(?2, started))")
}

// EndAttempt records that the learner has left a lab.
func (s *Store) EndAttempt(ctx context.Context, attempt string) error {
	return s.update(ctx, attempt, ", ended = max(coalesce(ended, started), ?2)")
}

// Reset records that the lab was built anew during an attempt.
func (s *Store) Reset(ctx context.Context, attempt string) error {
	return s.update(ctx, attempt, ", resets = resets + 1")
}

// SolutionShown records that a solution was shown during an attempt.
func (s *Store) SolutionShown(ctx context.Context, attempt string) error {
	return s.update(ctx, attempt, ", solution = 1")
}

// HintShown records that a task's hints were given as far as tier, which counts
// from 1.
func (s *Store) HintShown(ctx context.Context, attempt, task string, tier int) error {
	if err := checkID("a task", task); err != nil {
		return err
	}
	if tier < 1 {
		return fmt.Errorf("hint tier %d is below 1", tier)
	}
	n, err := s.exec(ctx, `INSERT INTO hint (attempt, task, tier) SELECT id, ?2, ?3 FROM attempt WHERE id = ?1
		ON CONFLICT DO UPDATE SET tier = max(tier, excluded.tier)`, attempt, task, tier)
	if err == nil && n == 0 {
		err = noAttempt(attempt)
	}
	return err
}

// TaskPassed records that a task of an attempt's lab passes. The first time
// over all attempts counts.
func (s *Store) TaskPassed(ctx context.Context, attempt, task string) error {
	if err := checkID("a task", task); err != nil {
		return err
	}
	n, err := s.exec(ctx, `INSERT INTO task_first (lab, task, at) SELECT lab, ?2, ?3 FROM attempt WHERE id = ?1
		ON CONFLICT DO UPDATE SET at = min(at, excluded.at)`, attempt, task, s.clock())
	if err == nil && n == 0 {
		err = noAttempt(attempt)
	}
	return err
}

// ReadLesson records that a lesson was read as far as position, in whatever
// unit the reader counts (0 or more).
func (s *Store) ReadLesson(ctx context.Context, lesson string, position int) error {
	if err := checkID("a lesson", lesson); err != nil {
		return err
	}
	_, err := s.exec(ctx, `INSERT INTO lesson (id, position, seen) VALUES (?, ?, ?)
		ON CONFLICT DO UPDATE SET position = excluded.position, seen = max(seen, excluded.seen)`,
		lesson, max(position, 0), s.clock())
	return err
}

// FinishLesson records that a lesson was read to its end. Only the first time
// counts.
func (s *Store) FinishLesson(ctx context.Context, lesson string) error {
	if err := checkID("a lesson", lesson); err != nil {
		return err
	}
	now := s.clock()
	_, err := s.exec(ctx, `INSERT INTO lesson (id, position, seen, finished) VALUES (?, 0, ?, ?)
		ON CONFLICT DO UPDATE SET finished = coalesce(finished, excluded.finished), seen = max(seen, excluded.seen)`,
		lesson, now, now)
	return err
}

// AnswerQuiz records one answer to a quiz, or to a prediction that the kernel has
// marked.
func (s *Store) AnswerQuiz(ctx context.Context, quiz string, right bool) error {
	if err := checkID("a quiz", quiz); err != nil {
		return err
	}
	_, err := s.exec(ctx, "INSERT INTO answer (id, quiz, right, at) VALUES (?, ?, ?, ?)",
		rand.Text(), quiz, right, s.clock())
	return err
}
