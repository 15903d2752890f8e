package cli

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"underlay/author/prove"
)

// TestWhatIsProvenIsSampledOnce proves a lab once in full, then again as it is, changed, and
// broken: only as it is a sample is enough.
func TestWhatIsProvenIsSampledOnce(t *testing.T) {
	t.Parallel()
	ledger := filepath.Join(t.TempDir(), "proven")
	fine := fineLab(t)
	files := fine.files
	prove := func(what string, more ...string) (made []string, report prove.Report, code int) {
		t.Helper()
		dir := writeLabs(t, []badLab{fine})
		args := []string{"--content", dir, "--json", "--seeds", "1", "--source", "..", "--proven", ledger, "--sample", "7"}
		stdout, stderr, code := authorTest(t, append(args, more...)...)
		if err := json.Unmarshal([]byte(stdout), &report); err != nil {
			t.Fatalf("%s: %v\n%s%s", what, err, stdout, stderr)
		}
		for i := range report.Proofs {
			made = append(made, strings.TrimPrefix(report.Proofs[i].ID(), "fine/"))
		}
		return made, report, code
	}
	all, first, code := prove("first", "--remember")
	if code != exitOK || len(first.Sampled) > 0 || !slices.Contains(all, "seed/1") {
		t.Fatalf("exit code %d after %v, a sample of %v", code, all, first.Sampled)
	}
	if text := read(t, ledger); !strings.Contains(text, "\nfine ") {
		t.Fatalf("it is not remembered:\n%s", text)
	}

	made, again, code := prove("as it was")
	if want := []string{"untouched", "solution", "alternative/other-order"}; code != exitOK || !slices.Equal(made, want) || !slices.Equal(again.Sampled, []string{"fine"}) || again.Sample != 7 {
		t.Errorf("exit code %d after %v, not %v; sample %d of %v", code, made, want, again.Sample, again.Sampled)
	}
	if made, report, _ := prove("other draws", "--seeds", "2", "--run", "without-line"); len(report.Sampled) > 0 || !slices.Contains(made, "without-line/1") {
		t.Errorf("more seeds are asked for, and %v were made", made)
	}

	right := files["solve.sh"]
	files["solve.sh"] = right + "true # optional: changes nothing\n"
	if made, report, _ := prove("changed", "--run", "without-line"); len(report.Sampled) > 0 || len(made) == 0 {
		t.Errorf("the lab was changed, and %v were made, a sample of %v", made, report.Sampled)
	}

	files["solve.sh"] = "true\n"
	if _, _, code := prove("broken", "--remember"); code != exitNotSolved {
		t.Errorf("a solution that does nothing: exit code %d", code)
	}
	if text := read(t, ledger); strings.Contains(text, "\nfine ") {
		t.Errorf("it failed, and is remembered:\n%s", text)
	}
	files["solve.sh"] = right
	if _, report, _ := prove("as it was once", "--run", "untouched"); len(report.Sampled) > 0 {
		t.Error("it failed since, and a sample was enough")
	}
}

// TestASampleIsToldOnce says to people how the same sample is made again.
func TestASampleIsToldOnce(t *testing.T) {
	t.Parallel()
	dir := writeLabs(t, []badLab{fineLab(t)})
	args := []string{"--content", dir, "--sampled", "--sample", "7", "--run", "untouched|solution"}
	out, _, code := authorTest(t, args...)
	if code != exitOK || !strings.HasSuffix(out, "\nOnly a sample was run for 1 lab; --sample 7 runs the same one again.\n") {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

// TestUnchangedIsNotProvenOnce asks for what has changed since the last commit of a
// repository, before and after something has.
func TestUnchangedIsNotProvenOnce(t *testing.T) {
	t.Parallel()
	source := t.TempDir()
	put(t, filepath.Join(source, "go.mod"), []byte("module underlay\n"))
	for _, args := range [][]string{{"init", "-q"}, {"add", "."}, {"commit", "-qm", "first"}} {
		args = append([]string{"-C", source, "-c", "user.name=a", "-c", "user.email=a@example.org"}, args...)
		if out, err := exec.CommandContext(t.Context(), "git", args...).CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	args := []string{"--changed-since", "HEAD", "--source", source, "--run", "/untouched", "netns-veth", "docker0"}
	stdout, stderr, code := authorTest(t, args...)
	if code != exitOK || stdout != "Nothing to prove: no lab has changed since HEAD.\n" {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
	put(t, filepath.Join(source, "labs/bridge/netns-veth/new.sh"), nil)
	if stdout, stderr, code := authorTest(t, args...); code != exitOK || !strings.HasPrefix(stdout, "✓ netns-veth: 1 of 1 proven\n\n1 proven") {
		t.Errorf("the lab has changed: exit code %d: %s%s", code, stdout, stderr)
	}
	put(t, filepath.Join(source, "engine/new.go"), nil)
	if stdout, stderr, code := authorTest(t, args...); code != exitOK || !strings.Contains(stdout, "\n2 proven") {
		t.Errorf("the program has changed: exit code %d: %s%s", code, stdout, stderr)
	}
}
