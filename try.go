package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

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
	Solved     bool      `json:"solved"`
	Tasks      []tryTask `json:"tasks"`
	Collateral []tryTask `json:"collateral"`
	Health     []string  `json:"health,omitempty"`     // what happened to the lab's world
	Notes      []string  `json:"notes,omitempty"`      // what happened while the script was typed
	Transcript string    `json:"transcript,omitempty"` // the end of what the terminal showed
}

type tryTask struct {
	ID            string       `json:"id"`
	Goal          string       `json:"goal"`
	State         engine.State `json:"state"`
	Got           string       `json:"got"`
	Want          string       `json:"want"`
	Why           string       `json:"why"`
	Misconception string       `json:"misconception"`
	Explanation   string       `json:"explanation"` // the misconception's words
}

func (p *program) tryCommand() *cobra.Command {
	var script, node string
	var asJSON, verbose bool
	cmd := &cobra.Command{
		Use: "try ID --script FILE", Short: "Type a script into a lab and say whether it solves it",
		Long: "Builds the lab, types the script into a real shell as a learner would, waits until\n" +
			"the state settles and prints every task. Exits 0 if solved, 1 if not.\n" +
			"A line \"# node: NAME\" in the script goes on in the shell of that node.",
		Args:              usage(cobra.ExactArgs(1)),
		ValidArgsFunction: p.completeLabs,
		RunE: p.inApp(func(cmd *cobra.Command, args []string) error {
			result, err := p.try(cmd.Context(), args[0], script, node)
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
	cmd.Flags().StringVar(&script, "script", "", "`file` with the lines to type; - is standard input")
	cmd.Flags().StringVar(&node, "node", "", "`name` of the node whose shell they are typed into (default: the lab's first)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&verbose, "transcript", false, "print what the terminal showed, too")
	return cmd
}

func (p *program) try(ctx context.Context, id, scriptFile, node string) (tryResult, error) {
	if scriptFile == "" {
		return tryResult{}, engine.Hintf(usageError{errors.New("try needs --script FILE")},
			"the file has the lines to type, one command a line; - is standard input")
	}
	content, err := p.load()
	if err != nil {
		return tryResult{}, err
	}
	lab, err := content.labs.Lab(id)
	if err != nil {
		return tryResult{}, err
	}
	text, err := readScript(scriptFile)
	if err != nil {
		return tryResult{}, err
	}
	if node != "" && lab.Topology.Node(node) == nil {
		return tryResult{}, engine.Hintf(fmt.Errorf("lab %s has no node %q: %w", id, node, engine.ErrNotFound),
			"its nodes are %s", strings.Join(lab.Topology.NodeNames(), ", "))
	}
	if err := canRun(lab); err != nil {
		return tryResult{}, err
	}
	sb, err := sandbox.New()
	if err != nil {
		return tryResult{}, err
	}
	out, err := trial.Run(ctx, session.Opener{Sandbox: sb}, lab, engine.Script{Node: node, Text: lab.Expand(text)})
	if err != nil {
		return tryResult{}, err
	}
	return tryResult{
		Lab: lab.ID, Seed: lab.Seed, Solved: out.Status.Solved,
		Tasks: tryTasks(out.Status.Tasks), Collateral: tryTasks(out.Status.Collateral),
		Health: out.Status.Health, Notes: out.Notes, Transcript: out.Transcript,
	}, nil
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
		out = append(out, tryTask{
			ID: r.ID, Goal: r.Goal, State: r.State, Got: r.Got, Want: r.Want, Why: r.Why,
			Misconception: r.Misconception, Explanation: r.Says,
		})
	}
	return out
}
