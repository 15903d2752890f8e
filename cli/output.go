package cli

import (
	"fmt"
	"io"
	"strings"

	"underlay/engine"
)

// printTry prints a result for people.
func printTry(w io.Writer, r tryResult, transcript bool) error {
	var b strings.Builder
	if transcript {
		b.WriteString(r.Transcript + "\n\n")
	}
	done := 0
	for _, t := range r.Tasks {
		if t.State == engine.Pass {
			done++
		}
	}
	verdict := "not solved"
	if r.Solved {
		verdict = "solved"
	}
	name := r.Lab
	if r.Fault != "" {
		name += ", broken"
	}
	fmt.Fprintf(&b, "%s: %s (%d of %d tasks)\n\n", name, verdict, done, len(r.Tasks))
	for _, t := range r.Tasks {
		printTask(&b, t)
	}
	for _, t := range r.Collateral {
		if t.State != engine.Pass {
			b.WriteString("\nWhat must stay as it was:\n")
			printTask(&b, t)
		}
	}
	for _, h := range append(r.Health, r.Notes...) {
		fmt.Fprintf(&b, "\n! %s\n", h)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func printTask(b *strings.Builder, t tryTask) {
	mark := map[engine.State]string{engine.Pass: "✓", engine.Fail: "✗", engine.Broken: "!"}[t.State]
	fmt.Fprintf(b, "  %s %s\n", mark, t.Goal)
	if t.State == engine.Pass {
		return
	}
	for _, row := range [][2]string{{"want", t.Want}, {"got", t.Got}, {"why", t.Why}, {"note", t.Explanation}} {
		if row[1] != "" {
			fmt.Fprintf(b, "      %-4s  %s\n", row[0], strings.ReplaceAll(row[1], "\n", "\n            "))
		}
	}
}
