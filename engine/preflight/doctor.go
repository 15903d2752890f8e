package preflight

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// Finding is one thing that was looked at.
type Finding struct {
	ID       string `json:"id"`       // "namespaces", "kernel/veth", "tool/dig", "terminal/size": unique and stable
	Title    string `json:"title"`    // for people
	OK       bool   `json:"ok"`       //
	Required bool   `json:"required"` // without it most labs do not run
	Detail   string `json:"detail"`   // what was seen
	Remedy   string `json:"remedy"`   // one line that mends it; empty if OK
}

// Report is all there is to say about a machine.
type Report struct {
	Kernel   string    `json:"kernel"`   // release
	User     string    `json:"user"`     // name, or number if it has none
	Rootless bool      `json:"rootless"` // an ordinary user asks
	Install  string    `json:"install"`  // one command that installs every missing tool; empty if none is
	Findings []Finding `json:"findings"`
}

// OK says whether everything required is there.
func (r Report) OK() bool {
	return !slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Required && !f.OK })
}

// asked remembers what the kernel can do for as long as the program runs.
var asked prober = prober{spawn: spawn}

// Doctor looks at everything. It may take some 100 ms, more where the kernel
// first has to look for modules.
func Doctor(ctx context.Context) Report { return thisMachine(&asked).doctor(ctx) }

// Missing says whether a lab that requires these Words can run here. If it can,
// both results are empty; else reason says what is missing and remedy what to
// do about it. The kernel is asked once in the life of the program, tools are
// looked for each time.
func Missing(requires []string) (reason, remedy string) {
	ctx, cancel := context.WithTimeout(context.Background(), tryLimit)
	defer cancel()
	return thisMachine(&asked).missing(ctx, requires)
}

func (m *machine) missing(ctx context.Context, requires []string) (reason, remedy string) {
	var wanted []feature
	var absent []tool
	var ids, unknown []string
	cluster := slices.ContainsFunc(requires, isKubernetes)
	if cluster {
		requires = append(slices.DeleteFunc(slices.Clone(requires), isKubernetes), clusterNeeds...)
	}
	for _, name := range requires {
		f, isFeature := featureNamed(name)
		t, isTool := toolNamed(name)
		if isFeature {
			wanted, ids = append(wanted, f), append(ids, f.id)
		}
		if isTool && m.look(t.name) == "" {
			absent = append(absent, t)
		}
		if !isFeature && !isTool {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		return "the lab requires " + and(unknown) + ", which this version of Underlay does not know", "update Underlay"
	}
	p, err := m.ask(ctx, ids)
	if t := m.namespaces(p, err); t.detail != "" {
		return t.detail, t.remedy
	}
	return m.lacking(wanted, absent, p, cluster)
}

// lacking puts absent tools and features, and what a cluster takes if there is to
// be one, into one sentence and one remedy.
func (m *machine) lacking(wanted []feature, absent []tool, p probed, cluster bool) (reason, remedy string) {
	var things, remedies []string
	if cluster {
		if thing, remedy := m.clusters(); thing != "" {
			things, remedies = append(things, thing), append(remedies, remedy)
		}
	}
	for _, t := range absent {
		things = append(things, "the tool "+t.name)
	}
	if line := m.installLine(absent); line != "" {
		remedies = append(remedies, line)
	}
	for _, f := range wanted {
		o := p.Features[f.id]
		if o.OK || slices.ContainsFunc(absent, func(t tool) bool { return t.name == f.id }) && f.id == "iptables" {
			continue // without the tool there is nothing to say about it yet
		}
		t := m.featureTrouble(f, o)
		things = append(things, fmt.Sprintf("the kernel feature %s (%s)", f.id, t.detail))
		if !slices.Contains(remedies, t.remedy) {
			remedies = append(remedies, t.remedy)
		}
	}
	if len(things) == 0 {
		return "", ""
	}
	return "this machine lacks " + and(things), strings.Join(remedies, "; ")
}

// and lists words as a sentence does.
func and(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

func (m *machine) doctor(ctx context.Context) Report {
	r := Report{Kernel: m.release, User: m.user, Rootless: m.uid != 0}
	var ids []string
	for _, f := range features() {
		ids = append(ids, f.id)
	}
	p, err := m.ask(ctx, ids)
	world := m.namespaces(p, err)
	r.Findings = append(r.Findings, m.kernelFinding(), m.worldFinding(world))
	for _, f := range features() {
		r.Findings = append(r.Findings, m.featureFinding(f, p, world))
	}
	var absent []tool
	for _, t := range tools() {
		finding := m.toolFinding(ctx, t)
		if !finding.OK {
			absent = append(absent, t)
		}
		r.Findings = append(r.Findings, finding)
	}
	r.Install = m.installLine(absent)
	r.Findings = append(r.Findings, m.clusterFinding())
	r.Findings = append(r.Findings, m.terminalFindings()...)
	return r
}

func (m *machine) kernelFinding() Finding {
	f := Finding{ID: "kernel/version", Title: "Kernel version", OK: true, Required: true, Detail: "Linux " + m.release}
	switch {
	case !m.atLeast(5, 12):
		f.OK = false
		f.Detail += " is too old: labs need 5.12, and 5.14 is better"
		f.Remedy = "use a distribution with Linux 5.14 or newer, such as Debian 12 or Ubuntu 22.04"
	case !m.atLeast(5, 14):
		f.Detail += "; from 5.14 on, a lab's processes have a limit of their own"
	}
	return f
}

func (m *machine) worldFinding(t trouble) Finding {
	f := Finding{ID: "namespaces", Title: "Throw-away worlds (namespaces)", Required: true, OK: t.detail == "", Detail: t.detail, Remedy: t.remedy}
	if f.OK {
		f.Detail = "can be made by " + m.user
	}
	return f
}

func (m *machine) featureFinding(f feature, p probed, world trouble) Finding {
	out := Finding{ID: "kernel/" + f.id, Title: f.title, Required: f.required, Detail: "works"}
	o, tried := p.Features[f.id]
	switch {
	case o.OK:
		out.OK = true
	case !tried:
		out.Detail, out.Remedy = "could not be tried without namespaces", world.remedy
	default:
		t := m.featureTrouble(f, o)
		out.Detail, out.Remedy = t.detail, t.remedy
	}
	return out
}

func (m *machine) toolFinding(ctx context.Context, t tool) Finding {
	f := Finding{ID: "tool/" + t.name, Title: t.name + ": " + t.purpose, Required: t.required}
	path := m.look(t.name)
	if path == "" {
		f.Detail, f.Remedy = "not installed", m.installLine([]tool{t})
		return f
	}
	f.OK, f.Detail = true, path
	if t.name == "iptables" {
		f.Detail = firstLine(ctx, path, "--version") // it names its variant: nf_tables or legacy
	}
	return f
}

// firstLine runs a program and returns the first line that it prints.
func firstLine(ctx context.Context, path string, args ...string) string {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, args...).Output()
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if err != nil || line == "" {
		return path
	}
	return path + ", " + line
}
