package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"underlay/course/format"
	"underlay/engine"
	"underlay/engine/sandbox"
	"underlay/engine/session"
	"underlay/engine/trial"
)

// maxScript is how large a script may be, in bytes.
const maxScript = 1 << 20

// tryResult is what `underlay try --json` prints.
type tryResult struct {
	Lab        string    `json:"lab"`
	Seed       int64     `json:"seed"`
	Fault      string    `json:"fault"` // that the lab was broken with; "" if none
	Solved     bool      `json:"solved"`
	Tasks      []tryTask `json:"tasks"`
	Collateral []tryTask `json:"collateral"`
	Health     []string  `json:"health,omitempty"`     // what happened to the lab's world
	Notes      []string  `json:"notes,omitempty"`      // what happened while the script was typed
	Transcript string    `json:"transcript,omitempty"` // the end of what the terminal showed
}

type tryTask struct {
	ID            string            `json:"id"`
	Goal          string            `json:"goal"`
	State         engine.State      `json:"state"`
	Got           string            `json:"got"`
	Want          string            `json:"want"`
	Why           string            `json:"why"`
	Code          string            `json:"code,omitempty"`
	Args          engine.ResultArgs `json:"args,omitzero"`
	Misconception string            `json:"misconception"`
	Explanation   string            `json:"explanation"` // the misconception's words

	Flow    string          `json:"flow,omitempty"`    // traffic that did not end as wanted: "c1 → 10.0.0.2:80/tcp"
	Verdict *engine.Verdict `json:"verdict,omitempty"` // what became of it
}

// attempt is what a `try` tries: a script in a lab.
type attempt struct {
	lab, script, node string
	fault, cause      string // ids; "" for none
}

func (p *program) tryCommand() *cobra.Command {
	var a attempt
	var asJSON, verbose bool
	cmd := &cobra.Command{
		Use: "try ID --script FILE", Short: "Type a script into a lab and say whether it solves it",
		Long: "Builds the lab, types the script into a real shell as a learner would, waits until\n" +
			"the state settles and prints every task. Exits 0 if solved, 1 if not.\n" +
			"A line \"# node: NAME\" in the script switches to that node's shell.\n\n" +
			"With --fault the lab is already solved but broken in one way; the script must repair it.\n" +
			"The cause must be named, too: --cause ID does so before the script is typed. Without it\n" +
			"the task \"cause\" and those after it stay open, so the lab is not solved.",
		Args:              usage(cobra.ExactArgs(1)),
		ValidArgsFunction: p.completeLabs,
		RunE: p.inApp(func(cmd *cobra.Command, args []string) error {
			a.lab = args[0]
			result, err := p.try(cmd.Context(), a)
			if err != nil {
				return err
			}
			if asJSON {
				err = p.printJSON(result)
			} else {
				err = printTry(p.out, result, verbose)
			}
			if err != nil {
				return err
			}
			if !result.Solved {
				return exitError(exitNotSolved)
			}
			return nil
		}),
	}
	cmd.Flags().StringVar(&a.script, "script", "", "`file` with the lines to type; - is standard input")
	cmd.Flags().StringVar(&a.node, "node", "", "`name` of the node whose shell they are typed into (default: the lab's first)")
	p.faultFlag(cmd, &a.fault)
	cmd.Flags().StringVar(&a.cause, "cause", "", "`id` of the fault to name as the cause")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&verbose, "transcript", false, "print what the terminal showed, too")
	return cmd
}

func (p *program) try(ctx context.Context, a attempt) (tryResult, error) {
	if a.script == "" {
		return tryResult{}, engine.Hintf(usageError{errors.New("try needs --script FILE")},
			"put the lines to type in the file, one command a line; - is standard input")
	}
	content, err := p.loadFor(a.fault)
	if err != nil {
		return tryResult{}, err
	}
	lab, err := content.Variant(a.lab, a.fault)
	if err != nil {
		return tryResult{}, err
	}
	if err := checkCause(lab, a.cause); err != nil {
		return tryResult{}, err
	}
	text, err := readScript(a.script)
	if err != nil {
		return tryResult{}, err
	}
	if a.node != "" && lab.Topology.Node(a.node) == nil {
		return tryResult{}, engine.Hintf(fmt.Errorf("lab %s has no node %q: %w", a.lab, a.node, engine.ErrNotFound),
			"its nodes are %s", strings.Join(lab.Topology.NodeNames(), ", "))
	}
	if err := canRun(lab); err != nil {
		return tryResult{}, err
	}
	out, err := tried(ctx, lab, a.cause, engine.Script{Node: a.node, Text: format.ExpandScript(lab, text)})
	if err != nil {
		return tryResult{}, err
	}
	id, fault := engine.SplitID(lab.ID)
	return tryResult{
		Lab: id, Seed: lab.Seed, Fault: fault, Solved: out.Status.Solved,
		Tasks: tryTasks(out.Status.Tasks), Collateral: tryTasks(out.Status.Collateral),
		Health: out.Status.Health, Notes: out.Notes, Transcript: out.Transcript,
	}, nil
}

// tried opens the lab, names the cause if one is given, types the script and says
// how the lab stands then.
func tried(ctx context.Context, lab *engine.Lab, cause string, script engine.Script) (out trial.Outcome, err error) {
	sb, err := sandbox.New()
	if err != nil {
		return out, err
	}
	opener := session.Opener{Sandbox: sb}
	if cause == "" {
		return trial.Run(ctx, opener, lab, script)
	}
	s, err := opener.Open(ctx, lab, nil)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	s.Answer(engine.TaskCause, cause)
	t := trial.New(s)
	if err := t.Type(ctx, script); err != nil {
		return out, err
	}
	return t.Settle(ctx)
}

func readScript(name string) (string, error) {
	const hint = "give --script a text file with the lines to type, or - for standard input"
	f, err := readable(name)
	if err != nil {
		return "", engine.Hintf(usageError{fmt.Errorf("read the script: %w", err)}, hint)
	}
	defer f.Close() //nolint:errcheck // only read
	b, err := io.ReadAll(io.LimitReader(f, maxScript+1))
	switch {
	case err != nil:
		err = fmt.Errorf("read the script: %w", err)
	case len(b) > maxScript:
		err = fmt.Errorf("the script is larger than %d bytes", maxScript)
	case !utf8.Valid(b) || bytes.IndexByte(b, 0) >= 0:
		err = fmt.Errorf("the script %s is not text in UTF-8", name)
	default:
		return string(b), nil
	}
	return "", engine.Hintf(usageError{err}, hint)
}

func tryTasks(in []engine.TaskResult) []tryTask {
	out := make([]tryTask, 0, len(in))
	for _, r := range in {
		t := tryTask{
			ID: r.ID, Goal: r.Goal, State: r.State, Got: r.Got, Want: r.Want, Why: r.Why, Code: r.Code, Args: r.Args,
			Misconception: r.Misconception, Explanation: r.Says,
		}
		if r.Flow.Proto != "" {
			t.Flow = r.Flow.String()
		}
		if r.Verdict.Text != "" {
			t.Verdict = &r.Verdict
		}
		out = append(out, t)
	}
	return out
}
