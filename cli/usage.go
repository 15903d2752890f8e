package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"underlay/engine"
)

// usageError is a mistake in how the program was called, or in what it was given.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// usage makes a wrong number of arguments a usage error, with a hint at what was
// meant.
func usage(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		err := check(cmd, args)
		if err == nil {
			return nil
		}
		err = usageError{fmt.Errorf("%s: %w", cmd.CommandPath(), err)}
		if len(args) == 0 || !cmd.HasSubCommands() {
			return engine.Hintf(err, "`%s --help` shows its usage", cmd.CommandPath())
		}
		cmd.SuggestionsMinimumDistance = 2 // slips of the finger
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			return engine.Hintf(err, "did you mean %s?", strings.Join(near, " or "))
		}
		return err
	}
}

// flagError makes a wrong flag a usage error. What Go's number parser says is
// left out: it repeats the value and names a function.
func flagError(cmd *cobra.Command, err error) error {
	if text, _, cut := strings.Cut(err.Error(), ": strconv."); cut {
		err = errors.New(text + ": not a whole number, or too large")
	}
	return engine.Hintf(usageError{err}, "`%s --help` lists its flags", cmd.CommandPath())
}

// strict makes the commands that cobra adds by itself as strict about their
// arguments as ours are.
func strict(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help":
			cmd.Args = func(_ *cobra.Command, args []string) error {
				found, rest, err := root.Find(args)
				if err != nil || len(rest) == 0 {
					return err
				}
				return usage(cobra.NoArgs)(found, rest)
			}
		case "completion":
			cmd.Args = usage(cobra.NoArgs)
			cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
			for _, shell := range cmd.Commands() {
				shell.Args = usage(cobra.NoArgs)
			}
		}
	}
}

// themes are the values of --theme.
var themes = [...]string{"auto", "dark", "light", "contrast"}

// checkFlags refuses values of global flags that mean nothing.
func (p *program) checkFlags(*cobra.Command, []string) error {
	if !slices.Contains(themes[:], p.theme) {
		return engine.Hintf(usageError{fmt.Errorf("there is no theme %q", p.theme)}, "themes: %s", strings.Join(themes[:], ", "))
	}
	return nil
}
