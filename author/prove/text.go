package prove

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/dustin/go-humanize/english"
)

// Printer tells people of proofs as they are made: a line for each lab, and in
// the end everything about those that failed.
type Printer struct {
	w   io.Writer
	err error // the first failure of w
	// live keeps a line on a terminal up to date while a lab is being proven;
	// otherwise a lab's line comes when it is done.
	live bool
	// each tells of every proof, in a line of its own.
	each bool

	left    map[string]int // by lab, how many proofs are to come
	tallies map[string]*tally
	shown   string // the line that is kept up to date, "" if there is none
}

// tally counts a lab's proofs.
type tally struct {
	total, proven, failed, skipped int
	why                            string // why they were skipped
}

// NewPrinter returns a printer for the proofs of a plan. live says that w is a
// terminal, each that every proof is told of.
func NewPrinter(w io.Writer, plan []Planned, live, each bool) *Printer {
	p := &Printer{w: w, live: live && !each, each: each, left: map[string]int{}, tallies: map[string]*tally{}}
	for i := range plan {
		p.left[plan[i].Lab]++
		p.tallies[plan[i].Lab] = &tally{total: p.left[plan[i].Lab]}
	}
	return p
}

// Ended tells of a proof that was made.
func (p *Printer) Ended(proof Proof) {
	t := p.tallies[proof.Lab]
	mark := ""
	switch proof.Verdict {
	case Proven:
		t.proven++
		mark = "✓"
	case Failed:
		t.failed++
		mark = "✗"
	case Skipped:
		t.skipped++
		t.why = strings.Join(proof.Notes, "; ")
		mark = "-"
	}
	p.left[proof.Lab]--
	if p.each {
		if proof.Flake != nil {
			mark = "≈"
		}
		p.printf("%s %s  %.1f s\n", mark, proof.ID(), proof.Seconds)
		for _, n := range proof.Notes {
			p.printf("    %s\n", indent(n, 4))
		}
	}
	switch {
	case p.left[proof.Lab] == 0:
		p.wipe()
		p.printf("%s\n", t.line(proof.Lab))
	case p.live:
		p.wipe()
		p.shown = fmt.Sprintf("  %s: %d of %d", proof.Lab, t.proven+t.failed+t.skipped, t.total)
		p.printf("%s", p.shown)
	}
}

// Stop ends the telling before all proofs are made.
func (p *Printer) Stop() { p.wipe() }

// wipe takes the line away that is kept up to date.
func (p *Printer) wipe() {
	if p.shown != "" {
		p.printf("\r\x1b[K")
		p.shown = ""
	}
}

// line is a lab's line.
func (t *tally) line(lab string) string {
	switch {
	case t.skipped == t.total:
		return fmt.Sprintf("- %s: %s", lab, t.why)
	case t.failed > 0:
		return fmt.Sprintf("✗ %s: %d of %d proofs failed", lab, t.failed, t.total)
	case t.skipped > 0:
		return fmt.Sprintf("✓ %s: %d of %d proven; %d %s", lab, t.proven, t.total, t.skipped, t.why)
	}
	return fmt.Sprintf("✓ %s: %d of %d proven", lab, t.proven, t.total)
}

// Finish tells everything about the proofs that failed, and the sum.
func (p *Printer) Finish(r Report) error {
	p.wipe()
	for i := range r.Proofs {
		if proof := &r.Proofs[i]; proof.Verdict == Failed {
			p.printf("\n✗ %s\n%s", proof.ID(), details(&proof.Finding))
		} else if proof.Flake != nil {
			p.printf("\n≈ %s: FLAKE: it failed, and passed when it was run again\n%s", proof.ID(), details(proof.Flake))
		}
	}
	p.printf("\n%s\n", r.sum())
	if n := len(r.Sampled); n > 0 {
		p.printf("Only a sample was run for %s; --sample %d runs the same one again.\n", english.Plural(n, "lab", ""), r.Sample)
	}
	return p.err
}

// sum is the last line.
func (r *Report) sum() string {
	parts := []string{fmt.Sprintf("%d proven", r.Proven)}
	if r.Failed > 0 {
		parts = append(parts, fmt.Sprintf("%d failed", r.Failed))
	}
	if r.Flakes > 0 {
		parts = append(parts, english.Plural(r.Flakes, "flake", ""))
	}
	if r.Skipped > 0 {
		parts = append(parts, fmt.Sprintf("%d not proven here", r.Skipped))
	}
	return fmt.Sprintf("%s, in %.0f s.", strings.Join(parts, ", "), r.Seconds)
}

// details is everything that a proof which failed has found.
func details(p *Finding) string {
	var b strings.Builder
	for _, w := range p.Wrong {
		fmt.Fprintf(&b, "    %s\n", indent(w, 4))
	}
	for _, part := range []struct{ head, text string }{
		{"state", strings.Join(p.Differs, "\n")},
		{"notes", strings.Join(p.Notes, "\n")},
		{"transcript", p.Transcript},
	} {
		if text := strings.TrimRight(part.text, "\n"); text != "" {
			fmt.Fprintf(&b, "  %s\n    %s\n", part.head, indent(text, 4))
		}
	}
	return cmp.Or(b.String(), "    no details are known\n")
}

// indent moves the lines after the first to the right.
func indent(s string, by int) string {
	return strings.ReplaceAll(s, "\n", "\n"+strings.Repeat(" ", by))
}

// printf writes for people; Finish tells of a writer that fails.
func (p *Printer) printf(format string, args ...any) {
	_, err := fmt.Fprintf(p.w, format, args...)
	p.err = cmp.Or(p.err, err)
}
