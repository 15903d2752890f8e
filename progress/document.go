package progress

import (
	"fmt"
	"time"
)

// formatVersion is that of the exported document.
const formatVersion = 1

// document is what Export writes and Import reads:
//
//	{"version": 1, "exported": TIME,
//	 "labs": [{"id", "tasks": [{"id", "first_passed": TIME}],
//	           "attempts": [{"id", "seed", "started": TIME, "last_seen": TIME,
//	                         "solved": TIME|null, "ended": TIME|null, "resets", "solution_shown",
//	                         "hints": [{"task", "tier"}]}]}],
//	 "lessons": [{"id", "position", "last_seen": TIME, "finished": TIME|null}],
//	 "quiz": [{"id", "quiz", "right", "at": TIME}]}
//
// A TIME is RFC 3339, in UTC, with milliseconds. Ids of attempts and of answers
// are unique everywhere; they are what a merge goes by.
type document struct {
	Version  int           `json:"version"`
	Exported stamp         `json:"exported"`
	Labs     []labEntry    `json:"labs"`
	Lessons  []lessonEntry `json:"lessons"`
	Quiz     []answerEntry `json:"quiz"`
}

type labEntry struct {
	ID       string         `json:"id"`
	Tasks    []taskEntry    `json:"tasks"`
	Attempts []attemptEntry `json:"attempts"`
}

type taskEntry struct {
	ID          string `json:"id"`
	FirstPassed stamp  `json:"first_passed"`
}

type attemptEntry struct {
	ID            string      `json:"id"`
	Seed          int64       `json:"seed"`
	Started       stamp       `json:"started"`
	LastSeen      stamp       `json:"last_seen"`
	Solved        *stamp      `json:"solved"`
	Ended         *stamp      `json:"ended"`
	Resets        int         `json:"resets"`
	SolutionShown bool        `json:"solution_shown"`
	Hints         []hintEntry `json:"hints"`
}

type hintEntry struct {
	Task string `json:"task"`
	Tier int    `json:"tier"`
}

type lessonEntry struct {
	ID       string `json:"id"`
	Position int    `json:"position"`
	LastSeen stamp  `json:"last_seen"`
	Finished *stamp `json:"finished"`
}

type answerEntry struct {
	ID    string `json:"id"`
	Quiz  string `json:"quiz"`
	Right bool   `json:"right"`
	At    stamp  `json:"at"`
}

// stamp is a time in milliseconds since 1970; in JSON it is RFC 3339.
type stamp int64

const stampLayout = "2006-01-02T15:04:05.000Z"

// maxStamp is the last moment that RFC 3339 can write.
var maxStamp = stamp(time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC).UnixMilli())

// MarshalText writes the time in UTC with milliseconds.
func (t stamp) MarshalText() ([]byte, error) {
	return []byte(fromMilli(int64(t)).Format(stampLayout)), nil
}

// UnmarshalText reads any RFC 3339 time from 1970 on.
func (t *stamp) UnmarshalText(b []byte) error {
	parsed, err := time.Parse(time.RFC3339Nano, string(b))
	if err != nil {
		return fmt.Errorf("%q is not a time like 2006-01-02T15:04:05Z", clip(string(b)))
	}
	ms := stamp(parsed.UnixMilli())
	if ms <= 0 || ms > maxStamp {
		return fmt.Errorf("%q is not between 1970 and 9999", clip(string(b)))
	}
	*t = ms
	return nil
}

// clip shortens text that is quoted in an error.
func clip(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

func (l *labEntry) validate() error {
	if err := checkID("a lab", l.ID); err != nil {
		return err
	}
	for i, t := range l.Tasks {
		if err := checkID("a task", t.ID); err != nil {
			return fmt.Errorf("tasks[%d]: %w", i, err)
		}
		if t.FirstPassed == 0 {
			return fmt.Errorf(`tasks[%d]: "first_passed" is missing`, i)
		}
	}
	for i := range l.Attempts {
		if err := l.Attempts[i].validate(); err != nil {
			return fmt.Errorf("attempts[%d]: %w", i, err)
		}
	}
	return nil
}

func (a *attemptEntry) validate() error {
	if err := checkID("an attempt", a.ID); err != nil {
		return err
	}
	switch {
	case a.Started == 0:
		return fmt.Errorf(`"started" is missing`)
	case a.LastSeen == 0:
		return fmt.Errorf(`"last_seen" is missing`)
	case a.LastSeen < a.Started:
		return fmt.Errorf(`"last_seen" is before "started"`)
	case a.Solved != nil && *a.Solved < a.Started:
		return fmt.Errorf(`"solved" is before "started"`)
	case a.Ended != nil && *a.Ended < a.Started:
		return fmt.Errorf(`"ended" is before "started"`)
	case a.Resets < 0:
		return fmt.Errorf(`"resets" is negative`)
	}
	for i, h := range a.Hints {
		if err := checkID("a task", h.Task); err != nil {
			return fmt.Errorf("hints[%d]: %w", i, err)
		}
		if h.Tier < 1 {
			return fmt.Errorf(`hints[%d]: "tier" is below 1`, i)
		}
	}
	return nil
}

func (l *lessonEntry) validate() error {
	if err := checkID("a lesson", l.ID); err != nil {
		return err
	}
	switch {
	case l.LastSeen == 0:
		return fmt.Errorf(`"last_seen" is missing`)
	case l.Position < 0:
		return fmt.Errorf(`"position" is negative`)
	}
	return nil
}

func (a *answerEntry) validate() error {
	if err := checkID("an answer", a.ID); err != nil {
		return err
	}
	if err := checkID("a quiz", a.Quiz); err != nil {
		return err
	}
	if a.At == 0 {
		return fmt.Errorf(`"at" is missing`)
	}
	return nil
}
