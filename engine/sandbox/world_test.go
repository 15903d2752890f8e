package sandbox_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"underlay/engine"
	"underlay/engine/sandbox"
	"underlay/engine/sandbox/sandboxtest"
)

func TestMain(m *testing.M) { os.Exit(sandboxtest.Main(m)) }

func newWorld(t *testing.T, nodes ...string) *sandbox.World {
	t.Helper()
	sb, err := sandbox.New()
	if err != nil {
		t.Fatal(err)
	}
	w, err := sb.NewWorld(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error("close:", err)
		}
	})
	specs := make([]sandbox.NodeSpec, 0, len(nodes))
	for _, n := range nodes {
		specs = append(specs, sandbox.NodeSpec{Name: n, Hosts: map[string]string{"db.lab": "10.9.8.7"}, DNS: []string{"10.0.0.53"}, DNSSearch: []string{"lab", "example.com"}, DNSOptions: []string{"ndots:5", "rotate"}})
	}
	fds, err := w.AddNodes(t.Context(), specs)
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		t.Cleanup(func() { _ = unix.Close(fd) })
	}
	return w
}

// A child that is being forked while a world is made holds open, until it becomes
// another program, the files that are being written there.
func TestWorldsAreMadeWhileOtherChildrenStart(t *testing.T) {
	sb, err := sandbox.New()
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var forking sync.WaitGroup
	for range 4 {
		forking.Go(func() {
			for ctx.Err() == nil {
				if err := exec.Command("/bin/true").Run(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	var making sync.WaitGroup
	for range 4 { // side by side, as proofs do
		making.Go(func() {
			for range 10 {
				w, err := sb.NewWorld(ctx)
				if err != nil {
					t.Error(err)
					return
				}
				if err := w.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	making.Wait()
	stop()
	forking.Wait()
}

// run runs shell lines in a node and returns their output and exit code.
func run(t *testing.T, w *sandbox.World, node, script string) (string, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, code, err := w.Run(ctx, node, script, "/bin/bash")
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	return out, code
}

// must runs shell lines that have to succeed.
func must(t *testing.T, w *sandbox.World, node, script string) string {
	t.Helper()
	out, code := run(t, w, node, script)
	if code != 0 {
		t.Fatalf("%s\nended with %d:\n%s", script, code, out)
	}
	return out
}

func TestLearnersToolsWork(t *testing.T) {
	w := newWorld(t, "host", "c1")
	must(t, w, "host", "ip link add vc1 type veth peer name eth0 netns c1 && ip addr add 10.0.0.1/24 dev vc1 && ip link set vc1 up && ip link set lo up")
	must(t, w, "c1", "ip addr add 10.0.0.2/24 dev eth0 && ip link set eth0 up && ip link set lo up")
	for name, script := range map[string]string{
		"ip":            "ip -br addr show vc1 | grep -q 10.0.0.1",
		"ip netns":      "ip netns list | grep -q c1",
		"ip netns exec": "ip netns exec c1 ip -br link show eth0",
		"ip netns add":  "ip netns add extra && ip netns exec extra ip link show lo && ip netns del extra",
		"bridge":        "ip link add br9 type bridge && bridge link show && bridge fdb show br br9 && ip link del br9",
		"iptables":      "iptables -t nat -A POSTROUTING -s 10.0.0.0/24 -j MASQUERADE && iptables -t nat -S | grep -q MASQUERADE",
		"legacy":        "iptables-legacy -A INPUT -p tcp --dport 1 -j DROP && iptables-legacy -S | grep -q 'dport 1'",
		"nft":           "nft add table inet t && nft list ruleset | grep -q 'table inet t'",
		"ipset":         "ipset create s hash:ip && ipset add s 10.0.0.9 && ipset list s | grep -q 10.0.0.9",
		"ping":          "ping -c1 -W2 10.0.0.2",
		"conntrack":     "iptables -A INPUT -m conntrack --ctstate ESTABLISHED && ping -c1 -W2 10.0.0.2 >/dev/null && conntrack -L 2>/dev/null | grep -q 10.0.0.2",
		"sysctl":        "sysctl -w net.ipv4.ip_forward=1 && test $(cat /proc/sys/net/ipv4/ip_forward) = 1",
		"tcpdump":       "timeout 20 tcpdump -c1 -ni vc1 icmp 2>/tmp/said & until grep -q listening /tmp/said; do sleep 0.02; done; ping -c1 10.0.0.2 >/dev/null; wait",
		"ss":            "ss -ltn | grep -q State",
		"nc and curl":   "(printf 'HTTP/1.0 200 OK\\r\\n\\r\\nhello' | nc -l -p 81 -q1 >/dev/null) & for i in $(seq 50); do ss -ltn | grep -q :81 && break; sleep 0.05; done; curl -s http://10.0.0.1:81/ | grep -q hello",
		"tc":            "tc qdisc add dev vc1 root tbf rate 1mbit burst 32kbit latency 50ms && tc qdisc show dev vc1 | grep -q tbf",
		"nsenter":       "nsenter --net=/run/netns/c1 ip -br addr show eth0 | grep -q 10.0.0.2",
		"dig":           "dig +time=1 +tries=1 @10.0.0.2 example.test | grep -q -e 'connection refused' -e 'no servers'",
		"sudo":          "sudo -E ip link show vc1 && sudo A=b bash -c 'test $A = b'",
		"vim":           "vim -u NONE -es -c 'normal ihello' -c 'wq' /tmp/f && grep -q hello /tmp/f",
		"less":          "less --version",
	} {
		t.Run(name, func(t *testing.T) { t.Log(must(t, w, "host", script)) })
	}
}

func TestNodesHaveTheirOwnEtcAndName(t *testing.T) {
	w := newWorld(t, "web", "db")
	for _, node := range []string{"web", "db"} {
		if got := strings.TrimSpace(must(t, w, node, "cat /proc/sys/kernel/hostname")); got != node {
			t.Errorf("hostname of %s is %q", node, got)
		}
		if got := must(t, w, node, "getent hosts db.lab"); !strings.Contains(got, "10.9.8.7") {
			t.Errorf("db.lab in %s: %q", node, got)
		}
	}
	must(t, w, "web", "echo '10.1.1.1 only-web' >> /etc/hosts")
	if out, code := run(t, w, "db", "getent hosts only-web"); code == 0 {
		t.Errorf("a change of web's hosts file is seen in db: %s", out)
	}
	if got := must(t, w, "db", "ip netns exec web cat /etc/resolv.conf"); got != "search lab example.com\nnameserver 10.0.0.53\noptions ndots:5 rotate\n" {
		t.Errorf("ip netns exec web sees resolv.conf %q", got)
	}
	// What the kernel puts into every namespace, once the modules are loaded.
	kernels := []string{"bonding_masters", "lo", "tunl0", "gre0", "gretap0", "erspan0"}
	got := strings.Fields(must(t, w, "web", "ls /sys/class/net"))
	if i := slices.IndexFunc(got, func(name string) bool { return !slices.Contains(kernels, name) }); i >= 0 || !slices.Contains(got, "lo") {
		t.Errorf("/sys/class/net of a node lists %q", got)
	}
}

// TestResolverFiles reads what programs of a node read, before and after one has run there.
func TestResolverFiles(t *testing.T) {
	w := newWorld(t, "web", "db")
	read := func(node string) (map[string][]byte, string) {
		t.Helper()
		files, hostname, err := w.ResolverFiles(t.Context(), node)
		if err != nil {
			t.Fatal(err)
		}
		return files, hostname
	}
	for _, when := range []string{"before anything runs there", "after something has"} {
		files, hostname := read("web")
		if !strings.Contains(string(files["hosts"]), "10.9.8.7") || !strings.Contains(string(files["resolv.conf"]), "10.0.0.53") || hostname != "web" {
			t.Errorf("%s: %s reads %q", when, hostname, files)
		}
		must(t, w, "web", "true")
	}
	must(t, w, "web", "echo search web.lab >> /etc/resolv.conf; hostname web.example; rm -f /etc/nsswitch.conf; mkfifo /etc/nsswitch.conf")
	files, hostname := read("web")
	_, pipe := files["nsswitch.conf"]
	if !strings.Contains(string(files["resolv.conf"]), "search web.lab") || hostname != "web.example" || pipe {
		t.Errorf("%s reads %q", hostname, files)
	}
	if files, _ := read("db"); strings.Contains(string(files["resolv.conf"]), "web.lab") {
		t.Errorf("db reads %q", files)
	}
	if _, _, err := w.ResolverFiles(t.Context(), "nobody"); err == nil {
		t.Error("a node that is not there has files")
	}
}

func TestMachineIsOutOfReach(t *testing.T) {
	w := newWorld(t, "host")
	for name, script := range map[string]string{
		"write to the root":       "touch /usr/x",
		"remount":                 "mount -o remount,rw / && touch /usr/x",
		"remount the bind":        "mount -o remount,bind,rw / && touch /usr/x",
		"unmount the private etc": "umount /etc",
		"mknod":                   "mknod /tmp/sda b 8 0",
		"sysrq":                   "test -e /proc/sysrq-trigger && echo h > /proc/sysrq-trigger && test -s /proc/sysrq-trigger",
		"core pattern":            "echo x > /proc/sys/kernel/core_pattern",
		"sysrq below the mask":    "umount /proc/sysrq-trigger; umount /proc; echo h > /proc/sysrq-trigger",
		"hostname of the machine": "nsenter -t 1 -u -m true && nsenter -t 1 -m touch /usr/x",
	} {
		t.Run(name, func(t *testing.T) {
			if out, code := run(t, w, "host", script); code == 0 {
				t.Errorf("it worked:\n%s", out)
			}
		})
	}
}

func TestHomeIsPrivate(t *testing.T) {
	w := newWorld(t, "host")
	must(t, w, "host", "echo secret > ~/underlay-test-file && test -f ~/underlay-test-file")
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(home, "underlay-test-file")); err == nil {
		t.Error("a file written in the lab's home is in the machine's")
	}
}

// waitHealth waits until the world says something that contains part.
func waitHealth(t *testing.T, w *sandbox.World, part string) {
	t.Helper()
	deadline := time.After(time.Minute)
	for {
		if slices.ContainsFunc(w.Health(), func(s string) bool { return strings.Contains(s, part) }) {
			return
		}
		select {
		case <-w.HealthChanged():
		case <-deadline:
			t.Fatalf("the world never said %q; it says %q", part, w.Health())
		}
	}
}

func TestForkBombEndsWithTheLab(t *testing.T) {
	w := newWorld(t, "host")
	term, err := w.Shell(t.Context(), "host", engine.Size{Cols: 80, Rows: 24})
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, term) }()
	if _, err := term.Write([]byte("bomb() { bomb | bomb & }; bomb\n")); err != nil {
		t.Fatal(err)
	}
	waitHealth(t, w, "fork bomb")
	begin := time.Now()
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	t.Log("closed after", time.Since(begin))
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		comm, err := os.ReadFile("/proc/" + e.Name() + "/comm")
		if err == nil && strings.TrimSpace(string(comm)) == "bash" {
			t.Errorf("process %s is left", e.Name())
		}
	}
}

func TestFullTmpIsSaid(t *testing.T) {
	w := newWorld(t, "host")
	if out, code := run(t, w, "host", "head -c 1G /dev/zero > /tmp/big"); code == 0 {
		t.Errorf("a gigabyte fitted: %s", out)
	}
	waitHealth(t, w, "/tmp of this lab is full")
	must(t, w, "host", "rm /tmp/big")
}

// TestRemoveEverything removes what is private to a lab and the machine's programs
// first, then what there is, for as long as a test can wait: a machine may have
// millions of files, and every one of them is tried.
func TestRemoveEverything(t *testing.T) {
	before, err := os.ReadDir("/usr/bin")
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, "host")
	out, _ := run(t, w, "host", "timeout 5 rm -rf /etc /run /usr/bin / --no-preserve-root 2>&1 | tail -3")
	t.Log(out)
	waitHealth(t, w, "deleted in this lab")
	after, err := os.ReadDir("/usr/bin")
	if err != nil {
		t.Fatal(err)
	}
	if len(before) != len(after) {
		t.Errorf("/usr/bin had %d entries, has %d", len(before), len(after))
	}
}

func TestShellHasAPrompt(t *testing.T) {
	w := newWorld(t, "host")
	term, err := w.Shell(t.Context(), "host", engine.Size{Cols: 91, Rows: 17})
	if err != nil {
		t.Fatal(err)
	}
	defer term.Close() //nolint:errcheck // the world goes anyway
	if _, err := term.Write([]byte("stty size; tty; exit\n")); err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(term)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"host", "17 91", "/dev/pts/"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the terminal shows no %q:\n%s", want, out)
		}
	}
}

// readUntil reads from a terminal until part has come.
func readUntil(t *testing.T, term io.Reader, part string) {
	t.Helper()
	var all []byte
	buf := make([]byte, 4096)
	for !strings.Contains(string(all), part) {
		n, err := term.Read(buf)
		if all = append(all, buf[:n]...); err != nil {
			t.Fatalf("%v; no %q in:\n%s", err, part, all)
		}
	}
}

func TestKeysThatSendSignalsWork(t *testing.T) {
	w := newWorld(t, "host")
	for key, report := range map[string]string{"\x03": "130", "\x1c": "131", "\x1a": "148"} {
		term, err := w.Shell(t.Context(), "host", engine.Size{Cols: 80, Rows: 24})
		if err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(10*time.Second, func() { _ = term.Close() })
		if _, err := term.Write([]byte("sh -c 'echo be\"\"gins; exec sleep 60'\n")); err != nil {
			t.Fatal(err)
		}
		readUntil(t, term, "begins")
		if _, err := term.Write([]byte(key)); err != nil {
			t.Fatal(err)
		}
		readUntil(t, term, "#")
		if _, err := term.Write([]byte("echo status $?.\n")); err != nil {
			t.Fatal(err)
		}
		readUntil(t, term, "status "+report+".")
		timer.Stop()
		if err := term.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestWorldEndsWithItsInit(t *testing.T) {
	w := newWorld(t, "host")
	if _, code := run(t, w, "host", "kill -9 1; sleep 0.1; true"); code != 0 {
		t.Errorf("init can be killed from inside")
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	select {
	case <-w.Done():
	case <-time.After(time.Minute):
		t.Error("Done is not closed")
	}
	if _, _, err := w.Run(t.Context(), "host", "", "true"); err == nil {
		t.Error("a closed world runs programs")
	}
}

// TestAdoptedNodes follows a namespace that a program of the world makes, deletes
// and makes anew.
func TestAdoptedNodes(t *testing.T) {
	w := newWorld(t, "host")
	run := func(node, script string) string {
		t.Helper()
		out, code, err := w.Run(t.Context(), node, "", "sh", "-c", script)
		if err != nil || code != 0 {
			t.Fatalf("%s: %d %v %s", script, code, err, out)
		}
		return strings.TrimSpace(out)
	}
	adopted := func() (ino uint64, there bool) {
		t.Helper()
		fds, err := w.Adopt(t.Context(), []string{"pod", "nobody", "host"})
		if err != nil {
			t.Fatal(err)
		}
		for name, fd := range fds {
			var st unix.Stat_t
			if err := unix.Fstat(fd, &st); err != nil {
				t.Error(err)
			}
			// As long as it is open, no other namespace gets its number.
			t.Cleanup(func() { _ = unix.Close(fd) })
			if name != "pod" {
				t.Errorf("%s was adopted", name)
			}
			ino, there = st.Ino, true
		}
		return ino, there
	}
	if _, there := adopted(); there {
		t.Error("a pod is there before it was made")
	}
	run("host", "ip netns add pod && mkdir -p /etc/netns/pod && echo 'nameserver 10.96.0.10' >/etc/netns/pod/resolv.conf")
	first, there := adopted()
	if !there {
		t.Fatal("the pod is not there")
	}
	want := fmt.Sprintf("pod\nnameserver 10.96.0.10\n%d", first)
	if got := run("pod", "hostname; cat /etc/resolv.conf; stat -Lc %i /proc/self/ns/net"); got != want {
		t.Errorf("in the pod: %q, wanted %q", got, want)
	}
	run("host", "ip netns del pod && ip netns add pod")
	if again, there := adopted(); !there || again == first {
		t.Errorf("made anew it is the same namespace (%v)", there)
	}
	run("pod", "test \"$(ip netns identify $$)\" = pod")
	if anew, err := w.Refresh(t.Context()); err != nil || len(anew) != 0 {
		t.Errorf("a refresh speaks of %v, %v", anew, err)
	}
	run("host", "ip netns del pod")
	if _, there := adopted(); there {
		t.Error("the pod is there after it was deleted")
	}
	if _, _, err := w.Run(t.Context(), "pod", "", "true"); err == nil || !strings.Contains(err.Error(), "no network namespace pod") {
		t.Errorf("a program in a pod that is gone: %v", err)
	}
	run("host", "rm /etc/passwd")
	waitHealth(t, w, "/etc/passwd: deleted in this lab") // and no pod is
}

// TestProgramsThatTell reads what a program says on descriptor 3, with a tool and
// a variable of the world's own.
func TestProgramsThatTell(t *testing.T) {
	sb, err := sandbox.New()
	if err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(t.TempDir(), "teller")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho one \"$WHO\" \"$1\" >&3\nread line <&3\necho two >&3\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	w, err := sb.NewWorld(t.Context(), sandbox.Tool{Name: "tellall", Path: script})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}()
	fds, err := w.AddNodes(t.Context(), []sandbox.NodeSpec{{Name: "host"}})
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fds[0]) //nolint:errcheck // a namespace
	w.Setenv("WHO=learner")
	pid, told, err := w.Start(t.Context(), "host", "tellall", "argument")
	if err != nil || pid < 2 {
		t.Fatal(pid, err)
	}
	defer told.Close() //nolint:errcheck // only read
	all, err := io.ReadAll(told)
	if err != nil || string(all) != "one learner argument\ntwo\n" {
		t.Errorf("it told %q, %v", all, err)
	}
	if _, _, err := w.Start(t.Context(), "host", "nosuchtool"); err == nil || !strings.Contains(err.Error(), "command not found") {
		t.Errorf("a program that is not there: %v", err)
	}
}

func TestWrongNodeNames(t *testing.T) {
	w := newWorld(t, "host")
	for _, name := range []string{"", ".", "..", "a/b", "a\x00b"} {
		if _, err := w.AddNodes(t.Context(), []sandbox.NodeSpec{{Name: name}}); err == nil {
			t.Errorf("a node called %q was made", name)
		}
	}
	if _, err := w.Shell(t.Context(), "nowhere", engine.Size{Cols: 80, Rows: 24}); err == nil {
		t.Error("a shell in a node that is not there")
	}
}
