package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"underlay/engine/preflight"
)

func (p *program) doctorCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "doctor", Short: "Check what this machine can run, and say how to fix the rest",
		Long: "Checks the kernel, namespaces and the tools that labs use by trying them in a throw-away\n" +
			"namespace. It changes nothing. Exits 0 if labs can run, 3 if not.",
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			r := preflight.Doctor(cmd.Context())
			if asJSON {
				if err := p.printJSON(r); err != nil {
					return err
				}
			} else if err := p.printReport(r); err != nil {
				return err
			}
			if !r.OK() {
				return exitError(exitCannotRun)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// printReport prints what is needed first and then, shorter, what is nice to have.
func (p *program) printReport(r preflight.Report) error {
	var b strings.Builder
	as := "as an ordinary user"
	if !r.Rootless {
		as = "as root"
	}
	fmt.Fprintf(&b, "Linux %s, %s (%s)\n", r.Kernel, as, r.User)
	for _, part := range []struct {
		title    string
		required bool
	}{{"What every lab needs", true}, {"What some labs use", false}} {
		fmt.Fprintf(&b, "\n%s\n", part.title)
		for _, f := range r.Findings {
			if f.Required == part.required {
				printFinding(&b, f)
			}
		}
	}
	b.WriteString("\n")
	switch {
	case r.OK():
		b.WriteString("Labs can run here.\n")
	default:
		b.WriteString("Labs cannot run here yet.\n")
	}
	if r.Install != "" {
		fmt.Fprintf(&b, "To install what is missing: %s\n", r.Install)
	}
	_, err := fmt.Fprint(p.out, b.String())
	return err
}

func printFinding(b *strings.Builder, f preflight.Finding) {
	mark := "✓"
	switch {
	case !f.OK && f.Required:
		mark = "✗"
	case !f.OK:
		mark = "·"
	}
	fmt.Fprintf(b, "  %s %-22s %s\n", mark, f.Title, f.Detail)
	if !f.OK && f.Remedy != "" {
		fmt.Fprintf(b, "    %-22s → %s\n", "", f.Remedy)
	}
}
