package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jstemmer/go-junit-report/v2/junit"

	"underlay/vm/internal/image"
	"underlay/vm/internal/kernel"
	"underlay/vm/internal/machine"
	"underlay/vm/internal/plan"
	"underlay/vm/internal/report"
)

// prove builds the virtual machine, runs it and says how every step went.
func prove(ctx context.Context, o options) error {
	todo, err := selected(o)
	if err != nil {
		return err
	}
	if err := ready(ctx); err != nil {
		return err
	}
	machines, err := build(ctx, o, todo)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.limit, fmt.Errorf("it was still running after %v", o.limit))
	defer cancel()
	f, err := os.Create(filepath.Join(o.work, "steps.log"))
	if err != nil {
		return err
	}
	l := &log{todo: todo, file: f, begun: time.Now(), results: map[string]*plan.Result{}, printed: map[string]*plan.Tail{}}
	var running sync.WaitGroup
	ended := make([]error, len(machines))
	for i, m := range machines {
		running.Go(func() { ended[i] = m.Run(ctx, func(e plan.Event) { l.take(m, e) }) })
	}
	running.Wait()
	failed := errors.Join(conclude(o, todo, l.results, l.printed), f.Close())
	if err := errors.Join(ended...); err != nil { // it is why steps have no result
		return err
	}
	return failed
}

// log is what the machines have said.
type log struct {
	todo  plan.Plan
	begun time.Time

	mu      sync.Mutex
	file    io.Writer // each line, with its time
	results map[string]*plan.Result
	printed map[string]*plan.Tail
}

// take takes in what a machine says.
func (l *log) take(m machine.Machine, e plan.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	since := time.Since(l.begun).Seconds()
	switch {
	case e.Kernel != "":
		fmt.Printf("Linux %s is up for %s after %.1f s.\n", e.Kernel, m.Lane, since)
	case e.Output != "":
		l.printed[e.Step].Add(e.Output)
		for line := range strings.Lines(e.Output) {
			_, _ = fmt.Fprintf(l.file, "%7.1f s  %s: %s\n", since, e.Step, strings.TrimSuffix(line, "\n"))
		}
	case e.Result != nil:
		e.Result.Output = l.printed[e.Step].String()
		if e.Result.Again != nil {
			e.Result.Again.Output = l.printed[plan.Again(e.Step)].String()
		}
		l.results[e.Step] = e.Result
		if s := step(l.todo, e.Step); s != nil {
			fmt.Println(report.Line(*s, e.Result))
		}
	default:
		l.printed[e.Step] = &plan.Tail{}
	}
}

// selected returns the plan, or that part of it whose steps' names match.
func selected(o options) (plan.Plan, error) {
	match, err := regexp.Compile(o.only)
	if err != nil {
		return plan.Plan{}, usageError{err}
	}
	p := proofs(o.wanted)
	if o.kube != "" {
		p = clusterProofs(o.wanted)
	}
	other := func(s plan.Step) bool { return !match.MatchString(s.Name) }
	for i := range p {
		p[i].Steps = slices.DeleteFunc(p[i].Steps, other)
	}
	p = slices.DeleteFunc(p, func(l plan.Lane) bool { return len(l.Steps) == 0 })
	if len(p) == 0 {
		return p, usageError{fmt.Errorf("no step's name matches %q", o.only)}
	}
	return p, nil
}

func step(p plan.Plan, name string) *plan.Step {
	steps := p.Steps()
	if i := slices.IndexFunc(steps, func(s plan.Step) bool { return s.Name == name }); i >= 0 {
		return &steps[i]
	}
	return nil
}

// ready says what this machine lacks for the virtual one.
func ready(ctx context.Context) error {
	if runtime.GOARCH != "amd64" {
		return cannotRun{errors.New("the second kernel is one for amd64"), "run make vm-test on an amd64 machine"}
	}
	for _, tool := range []string{"apt-get", "apt-cache", "dpkg-deb", "dpkg-query"} {
		if _, err := exec.LookPath(tool); err != nil {
			return cannotRun{fmt.Errorf("there is no %s here: the virtual machine is made from Debian's packages", tool),
				"run make vm-test on Debian or Ubuntu"}
		}
	}
	absent := image.Absent(ctx)
	if _, err := exec.LookPath(machine.Program); err != nil {
		absent = append(absent, machine.Package)
	}
	if len(absent) == 0 {
		return nil
	}
	return cannotRun{fmt.Errorf("these packages are missing: %s", strings.Join(absent, " ")),
		"as root, run: apt-get update && apt-get install -y --no-install-recommends " + strings.Join(absent, " ")}
}

// build compiles what runs in the virtual machines and makes their file system. It returns
// a machine for each lane.
func build(ctx context.Context, o options, p plan.Plan) ([]machine.Machine, error) {
	work, err := filepath.Abs(o.work)
	if err != nil {
		return nil, err
	}
	k, err := kernel.Get(ctx, work)
	if err != nil {
		return nil, cannotRun{fmt.Errorf("get Debian's kernel: %w", err),
			"as root, run: apt-get update (and check that Debian's mirror can be reached)"}
	}
	tests := filepath.Join(work, "tests")
	program := filepath.Join(work, "underlay")
	if err := os.RemoveAll(tests); err != nil {
		return nil, err
	}
	err = errors.Join(
		compile(ctx, o.source, "build", "-trimpath", "-ldflags", "-s -w", "-o", program, "."),
		compile(ctx, o.source, append([]string{"test", "-c", "-ldflags", "-s -w", "-o", tests + "/"}, packages...)...),
	)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	initrd := filepath.Join(work, "initramfs")
	size, err := image.Write(ctx, initrd, image.Contents{
		Kernel: k, Init: self, Program: program, Clusters: o.kube, Tests: tests, Source: o.source, Plan: p,
	})
	if err != nil {
		return nil, err
	}
	fmt.Printf("Booting Linux %s with a file system of %d MB, without KVM …\n", k.Release, size/1e6)
	var machines []machine.Machine
	for _, lane := range p {
		machines = append(machines, machine.Machine{
			Lane: lane.Name, Kernel: k.Image(), Initrd: initrd, Console: filepath.Join(work, "console-"+lane.Name+".log"),
		})
	}
	return machines, nil
}

// compile runs the go command; what it makes needs no library.
func compile(ctx context.Context, dir string, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %w\n%s", args[0], err, out)
	}
	return nil
}

// conclude writes the results and prints what failed and a last line.
func conclude(o options, p plan.Plan, results map[string]*plan.Result, printed map[string]*plan.Tail) error {
	all := junit.Testsuites{Name: "underlay on Debian's kernel"}
	for _, s := range p.Steps() {
		suite := report.Suite(s, results[s.Name])
		suite.ID = len(all.Suites)
		all.AddSuite(suite)
	}
	f, err := os.Create(o.junit)
	if err != nil {
		return err
	}
	if err := errors.Join(all.WriteXML(f), f.Close()); err != nil {
		return err
	}
	for _, suite := range all.Suites {
		if results[suite.Name] == nil {
			said := "it was not started"
			if out := printed[suite.Name]; out != nil {
				said = "it did not finish; its last output:\n" + end(out.String())
			}
			fmt.Printf("\nFAIL  %s: %s\n", suite.Name, said)
			continue
		}
		for _, c := range suite.Testcases {
			printFailure(suite.Name, c)
		}
	}
	flakes := 0
	for _, s := range p.Steps() {
		for _, f := range report.Flakes(s, results[s.Name]) {
			flakes++
			fmt.Printf("\nFLAKE %s: %s: it failed, and passed when it was tried again\n%s\n", s.Name, f.Name, end(f.Message))
		}
	}
	bad := all.Failures + all.Errors
	fmt.Printf("\n%d of %d proofs passed, %d FLAKE. The results are in %s, each step's output in steps.log beside it.\n", all.Tests-bad, all.Tests, flakes, o.junit)
	if bad > 0 {
		return errFailed
	}
	return nil
}

// maxShown is how much of a failed case's output is printed, in bytes.
const maxShown = 4000

func printFailure(suite string, c junit.Testcase) {
	for _, r := range []*junit.Result{c.Failure, c.Error} {
		if r == nil {
			continue
		}
		fmt.Printf("\nFAIL  %s: %s: %s\n%s\n", suite, c.Name, r.Message, end(r.Data))
	}
}

// end is the end of a text, as much of it as is printed.
func end(text string) string {
	if len(text) <= maxShown {
		return text
	}
	return strings.ToValidUTF8("… "+text[len(text)-maxShown:], "\uFFFD")
}
