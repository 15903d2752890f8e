package observe

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/netns"
)

// newNode makes a network namespace that lives as long as the test.
func newNode(t testing.TB, name string) Node {
	t.Helper()
	fd, err := netns.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Close(fd); err != nil {
			t.Errorf("close namespace: %v", err)
		}
	})
	return Node{Name: name, NS: fd}
}

// sh runs lines of shell in a node and fails the test if one fails.
func sh(t testing.TB, n Node, lines string) string {
	t.Helper()
	out, err := try(t, n, lines)
	if err != nil {
		t.Fatalf("in %s: %v\n%s", n.Name, err, out)
	}
	return out
}

// try runs lines of shell in a node and returns what they print.
func try(t testing.TB, n Node, lines string) (string, error) {
	var out []byte
	err := netns.Do(n.NS, func() error {
		cmd := exec.Command("sh", "-euc", lines)
		cmd.Env = append(os.Environ(), "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
			"XTABLES_LOCKFILE="+filepath.Join(os.TempDir(), fmt.Sprintf("xtables.%d.lock", os.Getpid())))
		var err error
		out, err = cmd.CombinedOutput()
		return err
	})
	return string(out), err
}

// at is a node's namespace as ip takes it ("ip link set X netns …"). The process
// id is that of the mounted /proc, which under unshare -p may not be our own's.
func at(n Node) string {
	self, err := os.Readlink("/proc/self")
	if err != nil {
		self = "self"
	}
	return fmt.Sprintf("/proc/%s/fd/%d", self, n.NS)
}

// snap reads one node and fails on any error.
func snap(t testing.TB, n Node, what Facet, sysctls ...string) State {
	t.Helper()
	return snapAll(t, []Node{n}, what, sysctls...)[0]
}

func snapAll(t testing.TB, nodes []Node, what Facet, sysctls ...string) []State {
	t.Helper()
	states, err := Snapshot(nodes, what, sysctls)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range states {
		for f, err := range s.Errs {
			t.Fatalf("facet %b: %v", f, err)
		}
	}
	return states
}

func linkNamed(t testing.TB, s State, name string) Link {
	t.Helper()
	for _, l := range s.Links {
		if l.Name == name {
			return l
		}
	}
	t.Fatalf("%s has no link %s", s.Node, name)
	return Link{}
}

// has fails unless some item of list satisfies ok.
func has[T any](t testing.TB, list []T, what string, ok func(T) bool) T {
	t.Helper()
	i := slices.IndexFunc(list, ok)
	if i < 0 {
		var lines []string
		for _, x := range list {
			lines = append(lines, fmt.Sprintf("%+v", x))
		}
		t.Fatalf("no %s among\n%s", what, strings.Join(lines, "\n"))
	}
	return list[i]
}

// eventually waits until ok holds.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("still not: %s", what)
		}
		runtime.Gosched()
	}
}

func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }
func addr(s string) netip.Addr     { return netip.MustParseAddr(s) }

// pair makes a veth between two nodes, addresses it and brings it up.
func pair(t testing.TB, a, b Node, dev, addrA, addrB string) {
	t.Helper()
	sh(t, a, fmt.Sprintf(`ip link add %[1]s type veth peer name %[1]s netns %[2]s
ip addr add %[3]s dev %[1]s
ip link set lo up
ip link set %[1]s up`, dev, at(b), addrA))
	sh(t, b, fmt.Sprintf("ip addr add %[2]s dev %[1]s\nip link set lo up\nip link set %[1]s up", dev, addrB))
}

// closeLater closes c when the test ends.
func closeLater(t testing.TB, c io.Closer) {
	t.Helper()
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
}

func mustOpen(t testing.TB, nodes ...Node) *Reader {
	t.Helper()
	r, err := NewReader(nodes)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
			t.Error(err)
		}
	})
	return r
}
