package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"

	"underlay/author/draft"
	"underlay/author/prove"
	"underlay/author/proven"
	"underlay/course/lesson"
	"underlay/engine"
)

// memoryFlags are those flags of `underlay author test` that leave proofs out.
type memoryFlags struct {
	ledger   string // file of what has been proven; "" for none
	remember bool   // write it
	sampled  bool   // make a sample of every lab
	sample   uint64 // which proofs a sample has; 0 draws
	since    string // a revision; only what has changed since is proven; "" for all
	source   string // where this repository is
	shard    prove.Shard
}

// shardFlag reads "2/3".
type shardFlag struct{ *prove.Shard }

func (s shardFlag) Type() string { return "I/N" }

func (s shardFlag) String() string {
	if s.Shard == nil || s.N == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", s.I, s.N)
}

func (s shardFlag) Set(text string) error {
	of, all, ok := strings.Cut(text, "/")
	i, err := strconv.Atoi(of)
	n, err2 := strconv.Atoi(all)
	if !ok || errors.Join(err, err2) != nil || i < 1 || i > n {
		return errors.New("give the part and the number of parts, such as 2/3")
	}
	s.I, s.N = i, n
	return nil
}

// check refuses what means nothing.
func (f *proofFlags) check() error {
	switch {
	case f.remember && f.ledger == "":
		return engine.Hintf(usageError{errors.New("--remember needs --proven")}, "name the file to write with --proven")
	case f.remember && (f.shard.N > 1 || f.sampled || f.only != ""):
		return engine.Hintf(usageError{errors.New("--remember with --run, --shard or --sampled: a part of its proofs does not prove a lab")}, "leave one of them out")
	case f.ledger == "" && f.since == "":
		return nil
	}
	if err := proven.CheckSource(f.source); err != nil {
		return engine.Hintf(usageError{err}, "name the folder of this program's source with --source")
	}
	return nil
}

// changed reports of a subject whether it, or what proves it, has changed since a revision.
func (f *memoryFlags) changed(ctx context.Context, content *draft.Draft) (func(prove.Subject) bool, error) {
	if f.since == "" {
		return func(prove.Subject) bool { return true }, nil
	}
	changes, err := proven.Since(ctx, f.source, f.since)
	if err != nil {
		return nil, engine.Hintf(usageError{fmt.Errorf("--changed-since: %w", err)}, "give a commit, a branch or a tag of the repository in --source")
	}
	below := func(shown string) bool {
		if path, err := filepath.Rel(f.source, shown); err == nil && changes.Below(path) {
			return true // of a content folder
		}
		return changes.Below(shown)
	}
	return func(s prove.Subject) bool {
		if changes.Program(s.Lab.Cluster != nil) {
			return true
		}
		for _, l := range s.Lessons {
			if below(shownFile(content, l)) {
				return true
			}
		}
		_, shown, err := content.Labs.Folder(s.Lab.ID)
		return err != nil || below(shown)
	}, nil
}

// shownFile is a lesson's file as a reader is shown it.
func shownFile(content *draft.Draft, l *lesson.Lesson) string {
	for _, d := range content.Lessons {
		if d.ID == l.ID {
			return d.Shown
		}
	}
	return ""
}

// memory is what is known of earlier runs.
type memory struct {
	ledger  *proven.Ledger
	here    proven.Platform
	digests map[string]string // of the subjects, by their labs' ids
}

// recall reads what has been proven of subjects, as this prover would prove them.
func (f *memoryFlags) recall(content *draft.Draft, subjects []prove.Subject, prover *prove.Prover) (*memory, error) {
	ledger, err := proven.Read(f.ledger)
	if err != nil {
		return nil, engine.Hintf(usageError{fmt.Errorf("--proven: %w", err)}, "write it again with --remember")
	}
	m := &memory{ledger: ledger, digests: map[string]string{}}
	if m.here, err = proven.ThisPlatform(); err != nil {
		return nil, err
	}
	programs := map[bool]string{}
	for _, s := range subjects {
		with := s.Lab.Cluster != nil
		if _, known := programs[with]; !known {
			d := proven.NewDigest()
			if err := d.Program(f.source, with); err != nil {
				return nil, err
			}
			programs[with] = d.String()
		}
		if m.digests[s.Lab.ID], err = digest(content, s, prover, programs[with]); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// digest is of all that the proofs of a subject depend on: the program, the lab's folder,
// what its lessons have proven, and how its parameters are drawn.
func digest(content *draft.Draft, s prove.Subject, prover *prove.Prover, program string) (string, error) {
	files, _, err := content.Labs.Folder(s.Lab.ID)
	if err != nil {
		return "", err
	}
	d := proven.NewDigest()
	d.Text("program", program)
	d.Text("seed, seeds", fmt.Sprintf("%d, %d", s.Lab.Seed, prover.Seeds))
	if err := d.Files(files, "."); err != nil {
		return "", err
	}
	for _, l := range s.Lessons {
		for _, b := range l.Blocks {
			if b.Predict == nil && b.Run == nil {
				continue
			}
			text, err := json.Marshal([]any{b.Predict, b.Run})
			if err != nil {
				return "", err
			}
			d.Text(l.ID, string(text))
		}
	}
	return d.String(), nil
}

// has reports whether a subject has been proven here.
func (m *memory) has(s prove.Subject) bool {
	return m.ledger.Has(s.Lab.ID, m.here, m.digests[s.Lab.ID])
}

// take takes over what a run has proven of each subject: in full, or, where it failed,
// not any longer. Of what could not run here nothing is known.
func (m *memory) take(subjects []prove.Subject, r prove.Report) error {
	for _, s := range subjects {
		made := map[prove.Verdict]int{}
		for i := range r.Proofs {
			if r.Proofs[i].Lab == s.Lab.ID {
				made[r.Proofs[i].Verdict]++
			}
		}
		switch {
		case made[prove.Failed] > 0:
			m.ledger.Forget(s.Lab.ID, m.here)
		case made[prove.Skipped] == 0 && made[prove.Proven] > 0 && !m.has(s):
			m.ledger.Set(proven.Entry{Lab: s.Lab.ID, Platform: m.here, Digest: m.digests[s.Lab.ID], Proofs: made[prove.Proven]})
		}
	}
	return m.ledger.Write()
}

// drawSample draws a number for a sample that is easy to type again.
func drawSample() uint64 { return 1 + rand.Uint64N(9999) }
