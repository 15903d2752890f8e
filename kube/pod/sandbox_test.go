package pod_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"underlay/kube/internal/netns"
	"underlay/kube/internal/world"
	"underlay/kube/pod"
	"underlay/kube/pod/podinit"
)

// TestMain makes this binary what underlay-pod is in a cluster, and runs the
// tests in a world.
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) == 3 && os.Args[1] == "sandbox":
		if err := podinit.Sandbox(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	case len(os.Args) == 2 && os.Args[1] == "container":
		os.Exit(podinit.Container())
	case filepath.Base(os.Args[0]) == "hello":
		fmt.Println("hello from", os.Args[0])
		os.Exit(0)
	}
	os.Exit(world.Main(m))
}

// limit is how long anything here may take on a machine that is busy.
const limit = time.Minute

const path = "PATH=/opt/underlay:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

func openSandbox(t *testing.T, o pod.Options) *pod.Sandbox {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	o.Program, o.Stderr = self, os.Stderr
	s, err := pod.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// process describes a shell command of a new container.
func process(t *testing.T, key, command string) pod.Process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return pod.Process{
		Key: key, Argv: []string{"sh", "-c", command}, Env: []string{path}, Root: t.TempDir(),
		Programs: []pod.Program{{Path: self, Names: []string{"hello"}}},
	}
}

// run starts a process and returns what it wrote, and how it ended.
func run(t *testing.T, s *pod.Sandbox, p pod.Process) (string, pod.Exit) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	exit := start(t, s, p, write)
	text, err := io.ReadAll(read)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text)), ended(t, exit)
}

// start starts a process that writes to out, which is closed here.
func start(t *testing.T, s *pod.Sandbox, p pod.Process, out *os.File) <-chan pod.Exit {
	t.Helper()
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer pod.CloseAll([]*os.File{null, out})
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	exit, err := s.Start(ctx, p, null, out, out)
	if err != nil {
		t.Fatalf("start %q: %v", p.Argv, err)
	}
	return exit
}

func ended(t *testing.T, exit <-chan pod.Exit) pod.Exit {
	t.Helper()
	select {
	case e := <-exit:
		return e
	case <-time.After(limit):
		t.Fatal("it did not end")
		return pod.Exit{}
	}
}

// sleeper starts a container that waits, and returns once it does.
func sleeper(t *testing.T, s *pod.Sandbox, key string) <-chan pod.Exit {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	exit := start(t, s, process(t, key, "trap 'exit 7' TERM; echo up; while :; do sleep 0.05; done"), write)
	if _, err := io.ReadFull(read, make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	go io.Copy(io.Discard, read) //nolint:errcheck // until it ends
	return exit
}

// What a container sees is its own: hostname, processes, /proc, /tmp, /run.
func TestContainerIsAWorldOfItsOwn(t *testing.T) {
	s := openSandbox(t, pod.Options{Hostname: "web-1"})
	for _, c := range []struct{ command, want string }{
		{"hostname", "web-1"},
		{"echo $$", "1"},
		{"ls -A /tmp /run | tr -d '\\n'", "/run:/tmp:"},
		{"cat /sys/class/net/lo/operstate && ls /sys/class/net", "unknown\nlo"},
		{"ls -d /proc/[0-9]* | head -1", "/proc/1"},
		{"ping -c1 -W5 127.0.0.1 >/dev/null && echo up", "up"},
		{"touch /here /tmp/x /run/y /root/z && ls /here", "/here"},
		{"hello", "hello from hello"},
		{"echo 1 > /proc/sys/kernel/hostname", "sh: 1: cannot create /proc/sys/kernel/hostname: Read-only file system"},
		{"sysctl -n -w net.ipv4.ip_forward=1", "1"},
		{"ls -A /.node /.scratch 2>&1 | grep -c 'No such file'", "2"},
	} {
		p := process(t, c.command, c.command)
		if got, _ := run(t, s, p); got != c.want {
			t.Errorf("%s: got %q, want %q", c.command, got, c.want)
		}
	}
}

// Containers of a pod share its network and hostname, not their files and processes.
func TestContainersShareTheNetwork(t *testing.T) {
	s := openSandbox(t, pod.Options{Hostname: "both"})
	sleeper(t, s, "first")
	in := func(key, command string) pod.Process {
		return pod.Process{Key: key, In: "first", Argv: []string{"sh", "-c", command}, Env: []string{path}}
	}
	const ids = "readlink /proc/self/ns/net /proc/self/ns/uts /proc/self/ns/mnt"
	first, _ := run(t, s, in("a", ids))
	second, _ := run(t, s, process(t, "b", ids))
	f, g := strings.Fields(first), strings.Fields(second)
	if len(f) != 3 || len(g) != 3 || f[0] != g[0] || f[1] != g[1] || f[2] == g[2] {
		t.Errorf("namespaces of two containers:\n%s\nand\n%s", first, second)
	}
	if got, _ := run(t, s, in("c", "touch /mine; cat /proc/1/cmdline | tr '\\0' ' '")); !strings.HasPrefix(got, "sh -c trap") {
		t.Errorf("the first process of the container that was entered is %q", got)
	}
	if got, _ := run(t, s, process(t, "d", "ls /mine")); !strings.Contains(got, "No such file") {
		t.Errorf("a container sees another's file: %q", got)
	}
}

// Volumes appear where they are asked for, also where the world has no such
// directory, and the world does not get it by that.
func TestMounts(t *testing.T) {
	s := openSandbox(t, pod.Options{Hostname: "volumes"})
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "key"), []byte("value\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{"/data", "/etc/app/conf.d", "/usr/share/app/html", "/var/run/secrets/token", "/tmp/deep/er"} {
		p := process(t, to, "cat "+to+"/key; { echo more > "+to+"/key; } 2>/dev/null || echo read-only; ls /etc/hosts /usr/share/doc >/dev/null && echo rest")
		p.Mounts = []pod.Mount{{From: dir, To: to, ReadOnly: true}}
		if got, _ := run(t, s, p); got != "value\nread-only\nrest" {
			t.Errorf("%s: %q", to, got)
		}
		if _, err := os.Stat(to); err == nil {
			t.Errorf("%s is there outside of the container", to)
		}
	}
	p := process(t, "file", "cat /etc/hosts; echo changed > /etc/hosts")
	p.Mounts = []pod.Mount{{From: filepath.Join(dir, "key"), To: "/etc/hosts"}, {From: dir, To: "/etc/new", ReadOnly: true}}
	if got, _ := run(t, s, p); got != "value" {
		t.Errorf("/etc/hosts: %q", got)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "key")); string(text) != "changed\n" {
		t.Errorf("what the container wrote to its file: %q, %v", text, err)
	}
}

// How a process ends is told, and what cannot start says why.
func TestEnds(t *testing.T) {
	s := openSandbox(t, pod.Options{Hostname: "ends"})
	if _, e := run(t, s, process(t, "seven", "exit 7")); e.Code != 7 || e.Signal != 0 {
		t.Errorf("exit 7: %+v", e)
	}
	exit := sleeper(t, s, "asked")
	if err := s.Signal(t.Context(), "asked", syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if e := ended(t, exit); e.Code != 7 {
		t.Errorf("a process that was asked to end: %+v", e)
	}
	exit = sleeper(t, s, "killed")
	if err := s.Signal(t.Context(), "killed", syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if e := ended(t, exit); e.Code != 137 || e.Signal != 9 {
		t.Errorf("a process that was killed: %+v", e)
	}
	if err := s.Signal(t.Context(), "killed", syscall.SIGTERM); err != nil {
		t.Errorf("a signal for a process that has ended: %v", err)
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"no-such-program": `exec: "no-such-program": executable file not found in $PATH`,
		"/no/such/file":   `exec: "/no/such/file": no such file or directory`,
		"/etc/passwd":     `exec: "/etc/passwd": permission denied`,
	} {
		p := process(t, name, "")
		p.Argv = []string{name}
		if _, err := s.Start(t.Context(), p, null, null, null); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}

// A command with a terminal has it as its own.
func TestTerminal(t *testing.T) {
	s := openSandbox(t, pod.Options{Hostname: "tty"})
	sleeper(t, s, "main")
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close() //nolint:errcheck // a terminal
	if err := pty.Setsize(slave, &pty.Winsize{Rows: 24, Cols: 80}); err != nil {
		t.Fatal(err)
	}
	p := pod.Process{Key: "shell", In: "main", TTY: true, Env: []string{path}, Argv: []string{"sh", "-c", "stty size; ps -o tty= -p $$ | grep -c pts; read x; echo got $x"}}
	exit, err := s.Start(t.Context(), p, slave, slave, slave)
	_ = slave.Close()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(master, "word\r"); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	_, err = io.Copy(&text, master)
	if err != nil && !errors.Is(err, syscall.EIO) {
		t.Fatal(err)
	}
	if e := ended(t, exit); e.Code != 0 || !strings.Contains(text.String(), "24 80\r\n1\r\n") || !strings.Contains(text.String(), "got word") {
		t.Errorf("on the terminal: %q, %+v", text.String(), e)
	}
}

// A sandbox that joins a network namespace has it, and what is in a sandbox ends
// with it.
func TestSandboxEnds(t *testing.T) {
	world.Nodes(t, "node")
	s := openSandbox(t, pod.Options{Hostname: "host", NetNS: netns.Path("node")})
	if got, _ := run(t, s, process(t, "links", "ls /sys/class/net | tr '\\n' ' '")); got != "eth0 lo" {
		t.Errorf("links of the node: %q", got)
	}
	exit := sleeper(t, s, "main")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if e := ended(t, exit); e.Code != 137 {
		t.Errorf("a process whose sandbox was closed: %+v", e)
	}
	if _, err := s.Start(t.Context(), process(t, "late", "true"), nil, nil, nil); !errors.Is(err, pod.ErrEnded) {
		t.Errorf("a start after the end: %v", err)
	}
}

// BenchmarkContainer measures what starting a pod's processes costs.
func BenchmarkContainer(b *testing.B) {
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		b.Fatal(err)
	}
	for n := 0; b.Loop(); n++ {
		s, err := pod.Open(pod.Options{Program: self, Hostname: "bench"})
		if err != nil {
			b.Fatal(err)
		}
		p := pod.Process{Key: "main", Argv: []string{"true"}, Env: []string{path}, Root: b.TempDir()}
		exit, err := s.Start(context.Background(), p, null, null, null)
		if err != nil {
			b.Fatal(err)
		}
		<-exit
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
