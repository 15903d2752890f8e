package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"underlay/bench"
	"underlay/engine/cluster"
	"underlay/engine/sandbox"
	"underlay/engine/session"
)

func (p *program) benchCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "bench [PART…]", Short: "Measure this program's budgets on this machine",
		Long: "Measures this program's budgets on this machine: all of them, or only some parts:\n" +
			strings.Join(bench.Parts(), ", ") + ".",
		Args: usage(cobra.OnlyValidArgs), ValidArgs: bench.Parts(),
		RunE: p.inApp(func(cmd *cobra.Command, args []string) error {
			r, err := p.measure(cmd.Context(), args)
			if err != nil {
				return err
			}
			if asJSON {
				return p.printJSON(r)
			}
			return p.printBench(r)
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (p *program) measure(ctx context.Context, parts []string) (r bench.Report, err error) {
	if len(parts) == 0 {
		parts = nil
	}
	content, err := p.load()
	if err != nil {
		return r, err
	}
	lab, err := content.Labs.Lab("docker0")
	if err != nil {
		return r, err
	}
	exe, err := os.Executable()
	if err != nil {
		return r, err
	}
	state, err := os.MkdirTemp("", "underlay-bench")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(state)) }()
	sb, err := sandbox.New()
	if err != nil {
		return r, err
	}
	return bench.Run(ctx, bench.Config{
		Binary: exe, Sandbox: sb, Opener: session.Opener{Sandbox: sb, Warm: cluster.NewWarm(sb, cluster.WhileReading)}, Fresh: session.Opener{Sandbox: sb}, Lab: lab, State: state, Parts: parts,
		Say: func(part string) { _, _ = fmt.Fprintln(p.err, "measuring:", part) },
	})
}

func (p *program) printBench(r bench.Report) error {
	w := tabwriter.NewWriter(p.out, 0, 4, 3, ' ', 0)
	fmt.Fprintln(w, "WHAT\tP50\tP99\tUNIT\tBUDGET\t")
	for _, f := range r.Figures {
		verdict := ""
		if f.Budget != "" {
			verdict = "within"
			if !f.Within {
				verdict = "OVER"
			}
		}
		fmt.Fprintf(w, "%s\t%.2f\t%.2f\t%s\t%s\t%s\n", f.Name, f.P50, f.P99, f.Unit, f.Budget, verdict)
	}
	return w.Flush()
}
