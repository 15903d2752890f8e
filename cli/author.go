package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"underlay/author/draft"
	"underlay/author/prove"
	"underlay/course/lesson"
	"underlay/engine"
	"underlay/engine/cluster"
	"underlay/engine/preflight"
	"underlay/engine/sandbox"
	"underlay/engine/session"
)

// authorCommand is for those who write labs and lessons.
func (p *program) authorCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "author", Short: "Write labs and lessons, and prove them",
		Long: "Makes, checks, proves and tries labs and lessons. docs/AUTHORING.md shows how.",
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(p.authorNewCommand(), p.authorTestCommand(), p.authorLintCommand(), p.authorRecordCommand(),
		p.authorWatchCommand(), p.authorSchemaCommand())
	return cmd
}

// proofFlags are the flags of `underlay author test`.
type proofFlags struct {
	only, junit           string
	needing, without      string // words of requires; "" for any
	seeds, jobs           int
	json, verbose, strict bool
	again                 bool
	memoryFlags
}

func (p *program) authorTestCommand() *cobra.Command {
	var f proofFlags
	cmd := &cobra.Command{
		Use: "test [ID…]", Short: "Prove labs: that right ways solve them and wrong ways do not",
		Long: "Proves the labs of --content, or the built-in ones without it: all of them, or those\n" +
			"named. Each proof has a world of its own:\n\n" +
			"  untouched      no task is done before the learner begins\n" +
			"  solution       solve.sh solves the lab\n" +
			"  hold           once solved it stays solved for 5 seconds\n" +
			"  reset          after a reset it is as it was at the start\n" +
			"  alternative/…  the other right ways solve it\n" +
			"  mistake/…      the tasks that the mistake names fail, and its misconception answers alone\n" +
			"  without-line/… solve.sh without one of its commands does not solve it\n" +
			"  fault/…        it breaks what it says, can be told apart, and its repair restores everything\n" +
			"  prediction/…   exactly one answer of each prediction is what the kernel shows\n" +
			"  recorded/…     the commands in its lessons print the output shown there\n" +
			"  seed/…         all of this works with other parameters, too\n\n" +
			"With --proven, a lab that its file records as proven, unchanged, with this program and on\n" +
			"such a kernel, gets only a sample: untouched, solution, one alternative, and for some labs\n" +
			"every mistake. docs/TESTING.md explains it.\n\n" +
			"Exits 0 if everything is proven, 1 if not, 3 if this machine can run none of the labs. A lab that\n" +
			"it cannot run is reported and does not count as a failure, except with --strict.",
		ValidArgsFunction: p.completeLabs,
		RunE:              p.inApp(func(cmd *cobra.Command, args []string) error { return p.proveLabs(cmd, args, f) }),
	}
	cmd.Flags().StringVar(&f.only, "run", "", "run only the proofs whose name, such as docker0/mistake/no-address, matches this `regexp`")
	cmd.Flags().StringVar(&f.needing, "requiring", "", "prove only labs that require this `word`, such as kubernetes")
	cmd.Flags().StringVar(&f.without, "without", "", "prove only labs that do not require this `word`")
	cmd.Flags().StringVar(&f.junit, "junit", "", "also write JUnit XML to this `file`")
	cmd.Flags().IntVar(&f.seeds, "seeds", 20, "draw each lab's parameters this `number` of times")
	cmd.Flags().IntVar(&f.jobs, "jobs", prove.DefaultJobs(), "run this `number` of proofs in parallel")
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON")
	cmd.Flags().BoolVar(&f.verbose, "verbose", false, "report every proof")
	cmd.Flags().BoolVar(&f.strict, "strict", false, "count a lab that cannot run here as not proven")
	cmd.Flags().BoolVar(&f.again, "again", false, "run a failed proof again, and report it as a flake if it passes then")
	cmd.Flags().Var(shardFlag{&f.shard}, "shard", "run only the I-th of N equal parts of the proofs")
	cmd.Flags().StringVar(&f.since, "changed-since", "", "prove only labs that have changed since this git `revision`; all if the code that proves them has")
	cmd.Flags().StringVar(&f.ledger, "proven", "", "run only a sample for labs that this `file` records as proven")
	cmd.Flags().BoolVar(&f.sampled, "sampled", false, "run only a sample of every lab's proofs")
	cmd.Flags().Uint64Var(&f.sample, "sample", 0, "run the sample with this `number`; 0 draws one")
	cmd.Flags().BoolVar(&f.remember, "remember", false, "run all proofs, and record what is proven in the file of --proven")
	cmd.Flags().StringVar(&f.source, "source", ".", "`folder` with this program's source, for --proven and --changed-since")
	return cmd
}

func (p *program) proveLabs(cmd *cobra.Command, ids []string, f proofFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	f.sample = cmp.Or(f.sample, drawSample())
	content, subjects, prover, err := p.subjects(ids, f)
	if err != nil {
		return err
	}
	if len(subjects) == 0 {
		return engine.Hintf(usageError{errors.New("--requiring and --without leave no lab")}, "`underlay list --json` says what each lab requires")
	}
	changed, err := f.changed(cmd.Context(), content)
	if err != nil {
		return err
	}
	if subjects = slices.DeleteFunc(subjects, func(s prove.Subject) bool { return !changed(s) }); len(subjects) == 0 {
		return p.nothingToProve(f, "no lab has changed since "+f.since)
	}
	var known *memory
	if f.ledger != "" {
		if known, err = f.recall(content, subjects, prover); err != nil {
			return err
		}
	}
	if f.ledger != "" && !f.remember { // who remembers wants all of it
		prover.Sample = prove.Sample{Seed: f.sample, Of: known.has}
	}
	if f.sampled {
		prover.Sample = prove.Sample{Seed: f.sample, Of: func(prove.Subject) bool { return true }}
	}
	plan := prover.Plan(subjects)
	switch {
	case len(plan) > 0:
	case f.shard.N > 1:
		return p.nothingToProve(f, "there are fewer proofs than parts")
	default:
		return engine.Hintf(usageError{fmt.Errorf("--run %q matches no proof", f.only)},
			"names look like docker0/solution, docker0/mistake/no-address and docker0/seed/7")
	}
	save, err := junitFile(f.junit)
	if err != nil {
		return err
	}
	report, err := p.tellProofs(cmd.Context(), prover, plan, f)
	if err == nil && f.remember {
		err = known.take(subjects, report)
	}
	if err := errors.Join(err, save(report)); err != nil {
		return err
	}
	return verdict(report, f.strict)
}

// nothingToProve ends a run in which there is nothing to prove.
func (p *program) nothingToProve(f proofFlags, why string) error {
	if f.json {
		return p.printJSON(prove.Report{Proofs: []prove.Proof{}})
	}
	_, err := fmt.Fprintf(p.out, "Nothing to prove: %s.\n", why)
	return err
}

// tellProofs makes the proofs and tells of them.
func (p *program) tellProofs(ctx context.Context, prover *prove.Prover, plan []prove.Planned, f proofFlags) (prove.Report, error) {
	if f.json {
		report, err := prover.Run(ctx, plan, nil)
		if err != nil {
			return report, err
		}
		return report, p.printJSON(report)
	}
	printer := prove.NewPrinter(p.out, plan, term.IsTerminal(int(os.Stdout.Fd())), f.verbose)
	report, err := prover.Run(ctx, plan, printer.Ended)
	if err != nil {
		printer.Stop()
		return report, err
	}
	return report, printer.Finish(report)
}

// junitFile makes the file for JUnit XML, so that a name which cannot be written
// is told before the work, and returns what writes it. "" is none.
func junitFile(name string) (save func(prove.Report) error, err error) {
	if name == "" {
		return func(prove.Report) error { return nil }, nil
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, engine.Hintf(usageError{fmt.Errorf("--junit: %w", err)}, "name a file that you can write")
	}
	return func(r prove.Report) error { return errors.Join(prove.WriteJUnit(f, r), f.Close()) }, nil
}

// verdict is a report as an exit code.
func verdict(r prove.Report, strict bool) error {
	switch {
	case r.Failed > 0:
		return exitError(exitNotSolved)
	case r.Proven == 0, strict && r.Skipped > 0:
		return exitError(exitCannotRun)
	}
	return nil
}

// picks reports whether the flags leave a lab in.
func (f *proofFlags) picks(lab *engine.LabInfo) bool {
	requires := func(word string) bool { return word != "" && slices.Contains(lab.Requires, word) }
	return (f.needing == "" || requires(f.needing)) && !requires(f.without)
}

// subjects returns the labs to prove, each with its lessons, and who proves them.
func (p *program) subjects(ids []string, f proofFlags) (*draft.Draft, []prove.Subject, *prove.Prover, error) {
	only, err := regexp.Compile(f.only)
	if err != nil {
		return nil, nil, nil, engine.Hintf(usageError{fmt.Errorf("--run: %w", err)}, "give a regular expression, such as mistake or docker0/seed")
	}
	for _, n := range []struct {
		flag  string
		value int
	}{{"--seeds", f.seeds}, {"--jobs", f.jobs}} {
		if n.value < 1 {
			return nil, nil, nil, engine.Hintf(usageError{fmt.Errorf("%s %d is too few", n.flag, n.value)}, "give 1 or more")
		}
	}
	content, err := p.written()
	if err != nil {
		return nil, nil, nil, err
	}
	for _, id := range ids {
		if _, err := content.Labs.Lab(id); err != nil {
			return nil, nil, nil, err
		}
	}
	lessons, err := content.Book.All()
	if err != nil {
		return nil, nil, nil, err
	}
	var subjects []prove.Subject
	for _, lab := range content.Labs.Infos() {
		if len(ids) > 0 && !slices.Contains(ids, lab.ID) || !f.picks(lab) {
			continue
		}
		drawn, err := content.Labs.Seeded(lab.ID, p.seed)
		if err != nil {
			return nil, nil, nil, err
		}
		others := func(l *lesson.Lesson) bool { return l.Lab != lab.ID }
		subjects = append(subjects, prove.Subject{Lab: drawn, Lessons: slices.DeleteFunc(slices.Clone(lessons), others)})
	}
	sb, err := sandbox.New()
	if err != nil {
		return nil, nil, nil, err
	}
	return content, subjects, &prove.Prover{
		Opener: session.Opener{Sandbox: sb, Warm: cluster.NewWarm(sb, cluster.AtOnce)}, Available: preflight.Missing, Seeded: content.Labs.Seeded,
		Kinds: prove.Kinds(), Only: only, Seeds: f.seeds, Jobs: f.jobs, Again: f.again, Shard: f.shard,
	}, nil
}

// written is what authors work on, without anything wrong in it.
func (p *program) written() (*draft.Draft, error) {
	c, err := p.draft()
	if err != nil || len(c.Problems) == 0 {
		return c, err
	}
	var lines []error
	for _, problem := range c.Problems {
		lines = append(lines, errors.New(problem.String()))
	}
	return nil, badContent(errors.Join(lines...))
}
