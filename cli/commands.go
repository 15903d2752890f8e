package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"charm.land/fang/v2"
	"github.com/adrg/xdg"
	"github.com/spf13/cobra"

	"underlay/engine/sandbox"
)

// program is one run of the command line.
type program struct {
	inside   bool // this is the app layer, in namespaces of its own
	args     []string
	version  string
	out, err io.Writer

	content []string
	builtin string // where labs and lessons are that stand for the built-in ones; "" for these
	state   string
	seed    int64
	ascii   bool
	plain   bool
	theme   string
}

func (p *program) run(ctx context.Context) int {
	root := p.commands()
	root.SetArgs(p.args)
	root.SetOut(p.out)
	root.SetErr(p.err)
	return report(p.err, root.ExecuteContext(ctx))
}

// help has fang print a command's help. Fang runs nothing else: after any error it
// asks the terminal for its colours, and what is typed meanwhile is lost.
func (p *program) help(cmd *cobra.Command, _ []string) {
	root := cmd.Root()
	root.SetArgs(append(strings.Fields(cmd.CommandPath())[1:], "--help"))
	_ = fang.Execute(cmd.Context(), root, fang.WithoutVersion(), fang.WithoutManpage()) // a help that could not be written is not told anywhere
}

func (p *program) commands() *cobra.Command {
	root := &cobra.Command{
		Use:   "underlay",
		Short: "Learn container networking from underneath",
		Long: "Underlay teaches container networking with real commands in a real kernel.\n" +
			"Without a command it opens the tutor. Nothing it does touches this machine:\n" +
			"every lab is a throw-away world. With --plain it is a dialogue in lines of text, which\n" +
			"exits 0 whether or not a lab was solved; `underlay try` reports that in its exit code.\n\n" +
			"Exit codes: 0 solved or done · 1 not solved, or not delivered · 2 wrong usage · 3 cannot run here · 4 internal error",
		Args:              usage(cobra.NoArgs),
		RunE:              p.opensTutor(new(string)),
		PersistentPreRunE: p.checkFlags,
		SilenceErrors:     true,
		SilenceUsage:      true,
		Version:           p.version,
	}
	root.SetHelpFunc(p.help)
	root.SetFlagErrorFunc(flagError)
	f := root.PersistentFlags()
	f.StringArrayVar(&p.content, "content", nil, "also load labs and lessons from this `directory` (may be given again)")
	f.StringVar(&p.builtin, "builtin", "", "use this `directory` instead of the built-in labs and lessons, as bench does")
	_ = f.MarkHidden("builtin") // the only error is a flag that is not there
	f.StringVar(&p.state, "state", "", "keep progress in this `directory` (default: $XDG_STATE_HOME/underlay)")
	f.Int64Var(&p.seed, "seed", 0, "draw a lab's parameters with this `number`; 0 is the lab as written")
	f.BoolVar(&p.plain, "plain", false, "use lines of text, for screen readers and scripts")
	f.BoolVar(&p.ascii, "ascii", false, "draw with ASCII characters only")
	f.StringVar(&p.theme, "theme", "auto", "`name` of the theme: auto, dark, light, contrast")
	root.AddCommand(p.labCommand(), p.listCommand(), p.tryCommand(), p.traceCommand(), p.doctorCommand(), p.progressCommand(),
		p.authorCommand(), p.benchCommand(), p.versionCommand())
	strict(root)
	return root
}

// inApp makes a command run in the app layer: outside it, the program runs
// itself again inside, with the same arguments.
func (p *program) inApp(run func(*cobra.Command, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if p.inside {
			if err := p.passOn(); err != nil {
				return err
			}
			return run(cmd, args)
		}
		code, err := sandbox.Outer(p.args)
		if err != nil {
			return noWorld(err)
		}
		if code != 0 {
			return exitError(code)
		}
		return nil
	}
}

func (p *program) labCommand() *cobra.Command {
	var fault string
	cmd := &cobra.Command{
		Use: "lab ID", Short: "Open a lab straight away",
		Long: "Opens a lab. With --fault it is already solved, then broken in one way: name the cause,\n" +
			"then repair it. `--fault random` lets the seed choose; without --seed one is drawn and printed.",
		Args:              usage(cobra.ExactArgs(1)),
		ValidArgsFunction: p.completeLabs,
		RunE:              p.opensTutor(&fault),
	}
	p.faultFlag(cmd, &fault)
	return cmd
}

func (p *program) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: usage(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(p.out, "underlay", p.version)
			return err
		},
	}
}

func (p *program) completeLabs(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	content, err := p.load()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var ids []string
	for _, l := range content.Infos() {
		ids = append(ids, l.ID+"\t"+l.Title)
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}

// stateDir is where progress is kept.
func (p *program) stateDir() string {
	if p.state != "" {
		return p.state
	}
	return filepath.Join(xdg.StateHome, "underlay")
}

func (p *program) printJSON(v any) error {
	enc := json.NewEncoder(p.out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// readable opens a file for reading; "-" is standard input.
func readable(name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(os.Stdin), nil
	}
	return os.Open(name)
}
