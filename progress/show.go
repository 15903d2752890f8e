package progress

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"
)

// Overview is the progress as a whole: what `underlay progress show` prints.
type Overview struct {
	File    string           `json:"file"`
	Labs    []LabOverview    `json:"labs"`    // the one seen last first
	Lessons []LessonOverview `json:"lessons"` // the one seen last first
	Quiz    QuizOverview     `json:"quiz"`
}

// LabOverview is one lab's progress.
type LabOverview struct {
	ID          string    `json:"id"`
	Solved      bool      `json:"solved"`
	TasksDone   []string  `json:"tasks_done"`
	Attempts    int       `json:"attempts"`
	BestSeconds float64   `json:"best_seconds"` // 0 if it was never solved without the solution
	LastSeen    time.Time `json:"last_seen"`
}

// LessonOverview is one lesson's progress.
type LessonOverview struct {
	ID       string    `json:"id"`
	Finished bool      `json:"finished"`
	LastSeen time.Time `json:"last_seen"`
}

// QuizOverview is all answers together.
type QuizOverview struct {
	Questions int `json:"questions"` // different ones
	Right     int `json:"right"`     // answers
	Wrong     int `json:"wrong"`     // answers
	Mastered  int `json:"mastered"`  // questions whose latest answer was right
}

// Show returns an overview.
func (s *Store) Show(ctx context.Context) (Overview, error) {
	o := Overview{File: s.path, Labs: []LabOverview{}, Lessons: []LessonOverview{}}
	labs, err := s.Labs(ctx)
	if err != nil {
		return o, err
	}
	for _, id := range slices.Sorted(maps.Keys(labs)) {
		p := labs[id]
		if p.TasksDone == nil {
			p.TasksDone = []string{}
		}
		o.Labs = append(o.Labs, LabOverview{id, p.Solved, p.TasksDone, p.Attempts, p.Best.Seconds(), p.LastSeen})
	}
	slices.SortStableFunc(o.Labs, func(a, b LabOverview) int { return cmp.Compare(b.LastSeen.UnixMilli(), a.LastSeen.UnixMilli()) })
	lessons, err := s.Lessons(ctx)
	if err != nil {
		return o, err
	}
	for _, id := range slices.Sorted(maps.Keys(lessons)) {
		o.Lessons = append(o.Lessons, LessonOverview{id, lessons[id].Finished, lessons[id].LastSeen})
	}
	slices.SortStableFunc(o.Lessons, func(a, b LessonOverview) int { return cmp.Compare(b.LastSeen.UnixMilli(), a.LastSeen.UnixMilli()) })
	quizzes, err := s.Quizzes(ctx)
	if err != nil {
		return o, err
	}
	for _, q := range quizzes {
		o.Quiz.Questions++
		o.Quiz.Right += q.Right
		o.Quiz.Wrong += q.Wrong
		if q.LastRight {
			o.Quiz.Mastered++
		}
	}
	return o, nil
}
