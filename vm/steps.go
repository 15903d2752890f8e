package main

import (
	"slices"
	"time"

	"underlay/vm/internal/plan"
)

// packages have the compiled tests that are run on the second kernel. Those of
// engine/probe are not among them: they are about milliseconds.
var packages = []string{"./engine/observe", "./engine/preflight", "./engine/sandbox", "./engine/session", "./engine/wire"}

// skipped are tests that are left out: what they fill, fork or delete takes an
// emulated machine longer than they wait, silence in every lab takes a quarter of an
// hour, and one is another user's.
const skipped = "TestForkBombEndsWithTheLab|TestFullTmpIsSaid|TestRemoveEverything|TestTheJudgeIsSilent|TestDoctorAs(Root|OrdinaryUser)"

// feature is a lab of vm/testdata/labs and what it stands for.
type feature struct{ lab, word string }

// features each have a lab that needs just one of them and sends traffic
// through it.
func features() []feature {
	return []feature{
		{"dummy", "dummy"}, {"ipip", "ipip"}, {"ipvlan", "ipvlan"}, {"ipvs", "ipvs"},
		{"netem", "netem"}, {"vlan", "vlan"}, {"wireguard", "wireguard"},
	}
}

const (
	content = plan.Source + "/vm/testdata/labs"
	short   = 4 * time.Minute  // of one lab; a busy machine takes a tenth of it
	long    = 30 * time.Minute // of a test
	silence = 7 * time.Minute  // between two proofs, or two lines of a test; a lab has five to come to rest
)

// wanted is which proofs are made of which labs.
type wanted struct {
	all  bool     // every proof, not only a sample
	labs []string // of these labs only; nil for all
}

// proofs is what is proven on the second kernel, by two machines side by side: by root on
// the first, by an ordinary user on the second. That takes longer, so the tests of session
// are run on the first. What a session does with a world it does alike for both; who made
// the world is the sandbox's.
func proofs(w wanted) plan.Plan {
	return plan.Plan{
		{Name: "first", Steps: slices.Concat(
			[]plan.Step{modules("root: what no ordinary user loads", append([]string{"br_netfilter"}, legacy...)...)},
			steps(true, w), []plan.Step{tests("session", false, "-test.skip", skipped)},
		)},
		{Name: "second", Steps: slices.Concat(unloaded(), steps(false, w))},
	}
}

// legacy are the tables of iptables-legacy, which tests use.
var legacy = []string{"iptable_filter", "iptable_nat", "iptable_mangle", "iptable_raw", "ip6table_filter"}

// modules loads modules that nothing loads but a person.
func modules(name string, modules ...string) plan.Step {
	return plan.Step{Name: name, Kind: plan.Command, Root: true, Limit: short, Command: append([]string{"modprobe", "-a"}, modules...)}
}

// unloaded looks at a lab whose module nothing loads but a person: it must say
// so, and run once the person has done what it says. Labs that do not require
// the module must do without it.
func unloaded() []plan.Step {
	without := plan.Step{
		Name: plan.Ordinary + ": lab egress-nat solve.sh without br_netfilter", Kind: plan.Command, Limit: short,
		Command: []string{"underlay", "try", "egress-nat", "--script", plan.Source + "/labs/bridge/egress-nat/solve.sh", "--transcript"},
	}
	before, remedied := try("br-netfilter", "solve.sh", false), try("br-netfilter", "solve.sh", false)
	before.Name += " before its module is loaded"
	before.Exit, before.Says = 3, `^error: lab br-netfilter cannot run here: this machine lacks the kernel feature br-netfilter .*\nhint: sudo modprobe br_netfilter$`
	remedied.Name += " when that is done"
	return []plan.Step{
		without, before,
		modules("root: what its hint says", "br_netfilter"), remedied, modules("root: the tables of iptables-legacy", legacy...),
	}
}

func steps(root bool, w wanted) []plan.Step {
	steps := []plan.Step{{
		Name: who(root) + ": features", Kind: plan.Doctor, Root: root, Command: []string{"underlay", "doctor", "--json"}, Limit: short,
	}}
	for _, f := range features() {
		untouched := try(f.lab, "untouched", root)
		untouched.Exit, untouched.Says = 1, "not solved"
		steps = append(steps, untouched, try(f.lab, "solve.sh", root))
	}
	steps = append(steps, proven(root, w))
	for _, pkg := range []string{"preflight", "observe", "sandbox", "wire"} {
		steps = append(steps, tests(pkg, root, "-test.skip", skipped))
	}
	return steps
}

// proven makes the proofs of the start, the solution and one other right way of every
// lab, or all if they are asked for: an emulated processor takes ten seconds for each.
// Root has the start and the solution, which more rights could change.
func proven(root bool, w wanted) plan.Step {
	only := "/(untouched|solution|alternative)"
	if root {
		only = "/(untouched|solution)"
	}
	return proof(root, w, only, "--sampled", "--without", "kubernetes")
}

// proof makes the proofs of labs whose names match.
func proof(root bool, w wanted, only string, flags ...string) plan.Step {
	limit := long
	if w.all {
		only, limit = "", 4*time.Hour // that of the machine ends it
		flags = slices.DeleteFunc(flags, func(f string) bool { return f == "--sampled" })
	}
	file := "/tmp/proofs-" + who(root) + ".xml"
	command := []string{"underlay", "author", "test", "--strict", "--verbose", "--again", "--jobs", "1", "--run", only, "--junit", file}
	return plan.Step{
		Name: who(root) + ": proofs", Kind: plan.JUnit, Root: root, Limit: limit, Silence: silence, JUnit: file,
		Command: slices.Concat(command, flags, w.labs),
	}
}

// clusterProofs is what is proven of labs with a Kubernetes.
func clusterProofs(w wanted) plan.Plan {
	var p plan.Plan
	for _, root := range []bool{true, false} {
		p = append(p, plan.Lane{Name: who(root), Steps: []plan.Step{
			modules(who(root)+": what labs with a Kubernetes need", "br_netfilter"),
			proof(root, w, "/(untouched|solution)", "--requiring", "kubernetes"),
		}})
	}
	return p
}

// try types a script into one of the features' labs, which must solve it.
func try(lab, script string, root bool) plan.Step {
	file := content + "/" + lab + "/" + script
	if script == "untouched" {
		file = "/dev/null"
	}
	return plan.Step{
		Name: who(root) + ": lab " + lab + " " + script, Kind: plan.Command, Root: root, Limit: short,
		Command: []string{"underlay", "try", lab, "--content", content, "--script", file, "--transcript"},
	}
}

// tests runs a package's compiled tests. Those of observe make namespaces, but
// not the user namespace to make them in.
func tests(pkg string, root bool, args ...string) plan.Step {
	command := append([]string{plan.Tests + "/" + pkg + ".test", "-test.v", "-test.parallel", "1", "-test.timeout", long.String()}, args...)
	if !root && pkg == "observe" {
		command = append([]string{"unshare", "-U", "-n", "-m", "--map-current-user", "--keep-caps"}, command...)
	}
	return plan.Step{Name: who(root) + ": tests of " + pkg, Kind: plan.GoTest, Root: root, Dir: plan.Source + "/engine/" + pkg, Command: command, Limit: long + time.Minute, Silence: silence}
}

func who(root bool) string {
	if root {
		return "root"
	}
	return plan.Ordinary
}
