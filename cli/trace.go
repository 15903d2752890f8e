package cli

import (
	"bufio"
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"underlay/engine"
	"underlay/engine/sandbox"
	"underlay/engine/tracesock"
	"underlay/packetpath"
)

// traceWidth is how wide a path is told where no terminal says its width.
const traceWidth = 80

// What the program passes on to the shells of its labs, where `underlay trace`
// tells a path as the rest is told.
const (
	envASCII = "UNDERLAY_ASCII"
	envPlain = "UNDERLAY_PLAIN"
)

// passOn has the labs' shells know of --ascii and --plain.
func (p *program) passOn() error {
	var errs []error
	for name, on := range map[string]bool{envASCII: p.ascii, envPlain: p.talks()} {
		if on {
			errs = append(errs, os.Setenv(name, "1"))
		}
	}
	return errors.Join(errs...)
}

func (p *program) traceCommand() *cobra.Command {
	var size, sport int
	var wait time.Duration
	var asJSON bool
	cmd := &cobra.Command{
		Use: "trace [FROM] TO[:PORT][/PROTO]", Short: "In a lab's shell: send a packet and say where it died",
		Long: "Sends a packet through the lab, follows it from device to device and rule to rule, there and\n" +
			"back, and names the one thing that ate it. It works in a lab's shell.\n\n" +
			"FROM is the node that sends it; without it, the one you are in. TO is an address, a name\n" +
			"that FROM looks up, or a node. PROTO is icmp, tcp, udp or http; without it, tcp if there is a port,\n" +
			"else icmp. Exits 0 if it was delivered, 1 if not.",
		Example: "  underlay trace 10.0.0.2\n" +
			"  underlay trace c1 10.0.0.2:80\n" +
			"  underlay trace host c1:80\n" +
			"  underlay trace c1 web.lab/http --json\n" +
			"  ip netns exec c1 underlay trace '[fd00::2]:53/udp'",
		Args:              usage(cobra.RangeArgs(1, 2)),
		ValidArgsFunction: completeNodes,
		RunE: func(cmd *cobra.Command, args []string) error {
			flow, err := askedFlow(args)
			if err != nil {
				return err
			}
			flow.Size, flow.SPort, flow.Wait = size, sport, wait
			if err := tracesock.Check(flow); err != nil {
				return engine.Hintf(usageError{err}, "keep --size, --sport and --wait within that, or omit them")
			}
			a, err := askLab(cmd.Context(), flow)
			if err != nil {
				return err
			}
			if asJSON {
				err = p.printJSON(a)
			} else {
				err = p.printTrace(a)
			}
			if err == nil && a.Outcome != engine.EndingDelivered {
				err = exitError(exitNotSolved)
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().IntVar(&size, "size", 0, "`bytes` to send at least: in one icmp or udp packet, or on a tcp or http connection and back")
	cmd.Flags().IntVar(&sport, "sport", 0, "source `port` of tcp, udp or http (default: one that has rested for two minutes)")
	cmd.Flags().DurationVar(&wait, "wait", 0, "`time` to wait for an answer, such as 2s (default: as long as a task's check waits)")
	return cmd
}

// askedFlow is the flow that arguments name; without From if they name none.
func askedFlow(args []string) (engine.Flow, error) {
	from, target := "", args[len(args)-1]
	if len(args) > 1 {
		from = args[0]
	}
	f, err := engine.ParseFlow(from, target)
	if err != nil {
		return f, engine.Hintf(usageError{err}, "a destination is TO[:PORT][/PROTO], such as 10.0.0.2, 10.0.0.2:53/udp or [fd00::2]:80")
	}
	return f, nil
}

// askLab has the lab that this process is in trace a flow.
func askLab(ctx context.Context, f engine.Flow) (*engine.Autopsy, error) {
	a, err := tracesock.Ask(ctx, sandbox.SocketPath, f)
	switch {
	case errors.Is(err, tracesock.ErrNoLab):
		return nil, engine.Hintf(machineError{errors.New("a trace needs a lab, and this is not a lab's shell")},
			"open a lab, for example with `underlay lab docker0`, and run the trace in its shell")
	case errors.Is(err, context.Canceled):
		return nil, engine.Hintf(err, "nothing of the trace is left in the lab")
	case errors.Is(err, tracesock.ErrUsage):
		return nil, usageError{err}
	}
	return a, err
}

// printTrace tells an autopsy: as a path, or in sentences for those who asked
// for plain text.
func (p *program) printTrace(a *engine.Autopsy) error {
	o := packetpath.Options{ASCII: p.ascii || os.Getenv(envASCII) != "" || !localeHasUnicode()}
	width := traceWidth
	if cols, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil && cols > 0 {
		width = cols
	}
	lines := packetpath.Lines
	if p.plain || os.Getenv(envPlain) != "" {
		lines = packetpath.Words
	}
	out := bufio.NewWriter(p.out)
	for _, l := range lines(a, width, o) {
		text := l.String()
		if hasColours() {
			text = coloured(l)
		}
		_, _ = out.WriteString(text + "\n") // Flush tells
	}
	return out.Flush()
}

// localeHasUnicode says whether the locale's characters are Unicode's. Where none
// is set they are taken for that, as on the screens.
func localeHasUnicode() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if l := os.Getenv(name); l != "" {
			l = strings.ToLower(l)
			return strings.Contains(l, "utf-8") || strings.Contains(l, "utf8")
		}
	}
	return true
}

// hasColours says whether what is printed goes to a terminal that shows colours.
func hasColours() bool {
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(os.Stdout.Fd()))
}

// traceStyles are the terminal's own colours, so that they fit what it shows else.
var traceStyles = [packetpath.Roles]ansi.Style{
	packetpath.Dim: ansi.NewStyle().Faint(), packetpath.Rail: ansi.NewStyle().Faint(), packetpath.Time: ansi.NewStyle().Faint(),
	packetpath.Good: ansi.NewStyle().Bold().ForegroundColor(ansi.Green), packetpath.Dead: ansi.NewStyle().Bold().ForegroundColor(ansi.Red),
	packetpath.Leg: ansi.NewStyle().Bold(), packetpath.Node: ansi.NewStyle().Bold().ForegroundColor(ansi.Cyan),
	packetpath.Changed: ansi.NewStyle().ForegroundColor(ansi.Yellow), packetpath.Warning: ansi.NewStyle().ForegroundColor(ansi.Yellow),
	packetpath.Rule: ansi.NewStyle().Faint(), packetpath.Wrapped: ansi.NewStyle().ForegroundColor(ansi.Magenta),
}

func coloured(l packetpath.Line) string {
	var b strings.Builder
	for _, s := range l {
		if style := traceStyles[s.Role]; len(style) > 0 {
			s.Text = style.Styled(s.Text)
		}
		b.WriteString(s.Text)
	}
	return b.String()
}

// completeNodes completes the names of the lab's nodes, which are its named
// network namespaces: the one that sends, then the one that gets it.
func completeNodes(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if _, err := os.Stat(sandbox.SocketPath); err != nil || len(args) > 1 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	entries, err := os.ReadDir("/run/netns")
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	does := []string{"sends it", "gets it"}[len(args)]
	for _, e := range entries {
		names = append(names, e.Name()+"\t"+does)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
