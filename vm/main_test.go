package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"underlay/vm/internal/plan"
)

func TestErrorsSayWhatToDo(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		code int
		said string
	}{
		"none":      {nil, 0, ""},
		"proofs":    {errFailed, 1, ""},
		"flags":     {usageError{errors.New("unexpected \"x\"")}, 2, "error: unexpected \"x\"\nhint: vm -h lists the flags\n"},
		"packages":  {cannotRun{errors.New("these packages are missing: kmod"), "install them"}, 3, "error: these packages are missing: kmod\nhint: install them\n"},
		"ctrl-c":    {cannotRun{context.Canceled, "install them"}, 130, "error: interrupted\n"},
		"otherwise": {errors.New("it ended"), 4, "error: it ended\nhint: the consoles of the virtual machines are in the files console-*.log beside the results\n"},
	} {
		var b strings.Builder
		if code := explain(&b, c.err); code != c.code || b.String() != c.said {
			t.Errorf("%s: %d, %q", name, code, b.String())
		}
	}
}

// TestWithoutItsToolsTheMachineIsNotBuilt takes all tools away, then gives back
// those of apt, which then know of no package.
func TestWithoutItsToolsTheMachineIsNotBuilt(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	run := func() string {
		var b strings.Builder
		if code := explain(&b, command(context.Background(), []string{"-work", filepath.Join(dir, "work")})); code != exitCannotRun {
			t.Errorf("exit code %d", code)
		}
		return b.String()
	}
	if got := run(); !strings.HasPrefix(got, "error: there is no apt-get here") || !strings.Contains(got, "\nhint: run make vm-test on Debian or Ubuntu\n") {
		t.Errorf("without apt: %q", got)
	}
	for _, tool := range []string{"apt-get", "apt-cache", "dpkg-deb", "dpkg-query"} {
		if err := os.WriteFile(filepath.Join(dir, tool), []byte("#!/bin/sh\nexit 1\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	got := run()
	for _, want := range []string{"error: these packages are missing: bash ", " qemu-system-x86\n", "\nhint: as root, run: apt-get update && apt-get install -y --no-install-recommends bash "} {
		if !strings.Contains(got, want) {
			t.Errorf("without packages: %q is not in %q", want, got)
		}
	}
}

func TestFlags(t *testing.T) {
	for _, args := range [][]string{{"-no-such-flag"}, {"extra"}, {"-run", "("}, {"-run", "no step has such a name"}} {
		var b strings.Builder
		if code := explain(&b, command(context.Background(), args)); code != exitUsage || !strings.HasPrefix(b.String(), "error: ") {
			t.Errorf("%v: %d, %q", args, code, b.String())
		}
	}
}

// TestStepsAreWhole: each has its own name and its lab or tests.
func TestStepsAreWhole(t *testing.T) {
	names := map[string]bool{}
	for _, s := range clusterProofs(wanted{}).Steps() {
		if s.Limit == 0 || len(s.Command) == 0 {
			t.Errorf("not whole: %+v", s)
		}
	}
	for _, s := range proofs(wanted{}).Steps() {
		if names[s.Name] || s.Limit == 0 || len(s.Command) == 0 {
			t.Errorf("not whole, or twice: %+v", s)
		}
		names[s.Name] = true
		for _, arg := range s.Command {
			file, ours := strings.CutPrefix(arg, plan.Source+"/")
			if !ours {
				continue
			}
			if _, err := os.Stat(filepath.Join("..", file)); err != nil {
				t.Errorf("%s: %v", s.Name, err)
			}
		}
	}
	labs, err := filepath.Glob("testdata/labs/*/lab.yaml")
	if err != nil || len(labs) != len(features())+1 {
		t.Errorf("%d labs for %d features and br_netfilter, %v", len(labs), len(features()), err)
	}
	for _, f := range features() {
		for _, name := range []string{"root: lab " + f.lab + " solve.sh", plan.Ordinary + ": lab " + f.lab + " untouched"} {
			if !names[name] {
				t.Errorf("no step %q", name)
			}
		}
	}
}
