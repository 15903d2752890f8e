package preflight

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain lets the test binary be the child that tries features, as main does,
// and a program of another user.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == ProbeName {
		os.Exit(ProbeMain(os.Args[1:]))
	}
	if os.Getenv("PREFLIGHT_TEST_ROLE") == "doctor" {
		if err := json.NewEncoder(os.Stdout).Encode(Doctor(context.Background())); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// ordinary is a uid that needs no entry anywhere.
const ordinary = 61234

// doctorAs runs Doctor in a process of its own under a uid.
func doctorAs(t *testing.T, uid uint32) Report {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), "PREFLIGHT_TEST_ROLE=doctor")
	cmd.Stderr = os.Stderr
	if int(uid) != os.Getuid() {
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("doctor as %d: %v", uid, err)
	}
	var r Report
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("doctor as %d printed %q: %v", uid, out, err)
	}
	return r
}

func finding(t *testing.T, r Report, id string) Finding {
	t.Helper()
	i := slices.IndexFunc(r.Findings, func(f Finding) bool { return f.ID == id })
	if i < 0 {
		t.Fatalf("no finding %q", id)
	}
	return r.Findings[i]
}

// testDoctor says what must hold of a report on a machine that tests run on.
func testDoctor(t *testing.T, r Report) {
	t.Helper()
	seen := map[string]bool{}
	for _, f := range r.Findings {
		t.Logf("%-5v %-24s %s %s", f.OK, f.ID, f.Detail, f.Remedy)
		if seen[f.ID] {
			t.Errorf("%s is there twice", f.ID)
		}
		seen[f.ID] = true
		if f.Title == "" || f.Detail == "" || f.OK != (f.Remedy == "") || strings.Contains(f.Remedy, "\n") {
			t.Errorf("finding %+v: it needs a title, a detail, and one line of remedy if not OK", f)
		}
	}
	if f := finding(t, r, "namespaces"); !f.OK {
		t.Fatalf("no namespaces: %s", f.Detail)
	}
	for _, id := range []string{"kernel/version", "kernel/veth", "kernel/bridge", "kernel/nf-tables", "kernel/nat", "kernel/conntrack", "kernel/forwarding", "kernel/capture"} {
		if f := finding(t, r, id); !f.OK || !f.Required {
			t.Errorf("%+v", f)
		}
	}
}

func TestDoctorAsRoot(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("not root; TestDoctorAsOrdinaryUser covers this user")
	}
	r := doctorAs(t, 0)
	testDoctor(t, r)
	if r.Rootless || r.User != "root" {
		t.Errorf("rootless %v, user %q", r.Rootless, r.User)
	}
}

func TestDoctorAsOrdinaryUser(t *testing.T) {
	uid := uint32(os.Getuid())
	if uid == 0 {
		uid = ordinary
	}
	r := doctorAs(t, uid)
	testDoctor(t, r)
	if !r.Rootless || r.User == "root" {
		t.Errorf("rootless %v, user %q", r.Rootless, r.User)
	}
}

// What the probe says must agree with what the tools of the machine can do.
func TestProbeAgreesWithIP(t *testing.T) {
	ids := []string{"dummy", "ipvlan", "vlan", "macvlan", "vxlan", "vrf", "wireguard", "veth", "bridge"}
	p, err := spawn(t.Context(), ids)
	if err != nil {
		t.Fatal(err)
	}
	if lookTool("ip") == "" || lookTool("unshare") == "" {
		t.Skip("ip or unshare is not installed")
	}
	script := map[string]string{
		"dummy": "ip link add x type dummy", "ipvlan": "ip link add x link p type ipvlan",
		"vlan": "ip link add x link p type vlan id 5", "macvlan": "ip link add x link p type macvlan",
		"vxlan": "ip link add x type vxlan id 5 dstport 4789", "vrf": "ip link add x type vrf table 5",
		"wireguard": "ip link add x type wireguard", "veth": "ip link add x type veth", "bridge": "ip link add x type bridge",
	}
	for _, id := range ids {
		cmd := exec.Command(lookTool("unshare"), "-U", "-n", "--map-current-user", "--keep-caps", "sh", "-c",
			"ip link add p type veth && "+script[id])
		out, err := cmd.CombinedOutput()
		if works := err == nil; works != p.Features[id].OK {
			t.Errorf("%s: the probe says %+v, ip says %v %s", id, p.Features[id], err, out)
		}
	}
}

func TestProbeLeavesTheMachineAlone(t *testing.T) {
	before, err := os.ReadFile("/proc/net/dev")
	if err != nil {
		t.Fatal(err)
	}
	if err := thisMachine(&prober{spawn: spawn}).missingError("veth", "bridge", "nat"); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile("/proc/net/dev")
	if err != nil {
		t.Fatal(err)
	}
	if names(before) != names(after) {
		t.Errorf("links before:\n%s\nafter:\n%s", before, after)
	}
}

// names is the first column.
func names(table []byte) string {
	var b strings.Builder
	for line := range strings.Lines(string(table)) {
		name, _, _ := strings.Cut(line, ":")
		b.WriteString(name + "\n")
	}
	return b.String()
}

func (m *machine) missingError(words ...string) error {
	if reason, remedy := m.missing(context.Background(), words); reason != "" {
		return fmt.Errorf("%s: %s", reason, remedy)
	}
	return nil
}

func TestProbeMainRefusesToRunOutside(t *testing.T) {
	for _, env := range []string{"", guard + "=1"} {
		cmd := exec.Command("/proc/self/exe", "veth")
		cmd.Args[0] = ProbeName
		cmd.Env = append(os.Environ(), env)
		if env == "" {
			cmd.Env = os.Environ()
		}
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState.ExitCode() != 2 {
			t.Errorf("with %q: %v %s", env, err, out)
		}
	}
}

func TestANewNamespaceIsNotInUse(t *testing.T) {
	lo := net.Interface{Name: "lo", Flags: net.FlagLoopback | net.FlagUp}
	for name, c := range map[string]struct {
		links []net.Interface
		want  bool
	}{
		"only lo":             {[]net.Interface{{Name: "lo", Flags: net.FlagLoopback}}, false},
		"the kernel's tunnel": {[]net.Interface{lo, {Name: "tunl0"}, {Name: "gretap0", Flags: net.FlagBroadcast}}, false},
		"a machine's":         {[]net.Interface{lo, {Name: "eth0", Flags: net.FlagUp | net.FlagBroadcast}}, true},
	} {
		if got := inUse(c.links); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestMissing(t *testing.T) {
	if reason, remedy := Missing([]string{"veth", "bridge", "nat", "nf_tables"}); reason != "" {
		t.Errorf("%s (%s)", reason, remedy)
	}
	reason, remedy := Missing([]string{"veth", "teleport", "warp-drive"})
	if !strings.Contains(reason, "teleport and warp-drive") || remedy == "" {
		t.Errorf("unknown words: %q, %q", reason, remedy)
	}
}

// A binary that does not know its part must not start copies of itself.
func TestSpawnDoesNotRecurse(t *testing.T) {
	t.Setenv(guard, "1")
	if _, err := spawn(t.Context(), nil); err == nil || !strings.Contains(err.Error(), ProbeName) {
		t.Errorf("got %v", err)
	}
}

func TestSpawnEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	start := time.Now()
	if _, err := spawn(ctx, []string{"veth"}); err == nil || time.Since(start) > 2*time.Second {
		t.Errorf("got %v after %v", err, time.Since(start))
	}
}

func TestWords(t *testing.T) {
	for _, w := range []string{"veth", "bridge", "br_netfilter", "br-netfilter", "nf_tables", "nat", "conntrack", "iptables", "dig", "tun", "vim"} {
		if !Known(w) {
			t.Errorf("%q is not known", w)
		}
	}
	for _, w := range []string{"", "Veth", "docker", "veth "} {
		if Known(w) {
			t.Errorf("%q is known", w)
		}
	}
	words := Words()
	if !slices.IsSorted(words) || !slices.Contains(words, "veth") || !slices.Contains(words, "ss") {
		t.Errorf("words: %q", words)
	}
	for _, w := range words {
		if !Known(w) {
			t.Errorf("%q is a word but not known", w)
		}
	}
}

// BenchmarkMissingFirst is what a program's first question costs.
func BenchmarkMissingFirst(b *testing.B) {
	for b.Loop() {
		if err := thisMachine(&prober{spawn: spawn}).missingError("veth", "bridge", "nat"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMissing is what each further one costs.
func BenchmarkMissing(b *testing.B) {
	for b.Loop() {
		if reason, _ := Missing([]string{"veth", "bridge", "nat", "curl"}); reason != "" {
			b.Fatal(reason)
		}
	}
}

func BenchmarkDoctor(b *testing.B) {
	for b.Loop() {
		if r := thisMachine(&prober{spawn: spawn}).doctor(b.Context()); len(r.Findings) == 0 {
			b.Fatal("an empty report")
		}
	}
}
