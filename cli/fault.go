package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"underlay/course"
	"underlay/engine"
)

// faultFlag gives a command the flag that breaks its lab.
func (p *program) faultFlag(cmd *cobra.Command, fault *string) {
	cmd.Flags().StringVar(fault, "fault", "", "open it solved, then broken by the fault of this `name`; random picks one by the seed")
	// The only error is a flag that is not there, and it was made in the line above.
	_ = cmd.RegisterFlagCompletionFunc("fault", p.completeFaults)
}

func (p *program) completeFaults(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	content, err := p.load()
	if err != nil || len(args) == 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	lab, err := content.Labs.Lab(args[0])
	if err != nil || len(lab.Faults) == 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	out := []string{engine.RandomFault + "\tone that the seed chooses"}
	for i := range lab.Faults {
		out = append(out, lab.Faults[i].ID+"\t"+lab.Faults[i].Symptom)
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// loadFor is load for a lab with this fault in it. For a random one a seed is drawn
// if none is given, and said, so that the same can be had again.
func (p *program) loadFor(fault string) (*course.Course, error) {
	if fault == engine.RandomFault && p.seed == 0 {
		p.seed = engine.DrawSeed()
		_, _ = fmt.Fprintf(p.err, "note: drawn with --seed %d; use it to draw the same again\n", p.seed)
	}
	return p.load()
}

// checkCause refuses a cause that nobody could choose in this lab.
func checkCause(lab *engine.Lab, cause string) error {
	if cause == "" {
		return nil
	}
	task := lab.Task(engine.TaskCause)
	if lab.Fault == nil || task == nil {
		return engine.Hintf(usageError{errors.New("--cause needs a lab with a fault in it")}, "break the lab with --fault NAME, or omit --cause")
	}
	choice := task.Choice()
	if choice.Option(cause) != nil {
		return nil
	}
	id, _ := engine.SplitID(lab.ID)
	var ids []string
	for _, o := range choice.Options {
		ids = append(ids, o.ID)
	}
	return engine.Hintf(usageError{fmt.Errorf("no cause %q in lab %s", cause, id)}, "its causes are %s", strings.Join(ids, ", "))
}
