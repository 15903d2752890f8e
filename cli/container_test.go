package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestSysInAContainerAsRoot opens a lab where /sys is read-only for good, as it is for an
// ordinary user in a container of Docker's: ip's own instances of sysfs are accepted, and
// /sys/class/net is about the node. (It takes root to make such a place.)
func TestSysInAContainerAsRoot(t *testing.T) {
	dir, err := os.MkdirTemp("", "underlay-container-") // not the test's, which is its own
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "underlay")
	if out, err := exec.Command("cp", exe, program).CombinedOutput(); err != nil {
		t.Fatalf("copy the program: %v: %s", err, out)
	}
	script := filepath.Join(dir, "script")
	put(t, script, []byte(`ip link add vc1 type veth peer name eth0 netns c1
echo c1: $(ip netns exec c1 ls /sys/class/net)
echo host: $(ls /sys/class/net) $(cat /sys/class/net/vc1/mtu)
ip netns add extra && echo extra: $(ip netns exec extra ls /sys/class/net)
`))
	cmd := exec.CommandContext(t.Context(), "unshare", "-m", "--propagation", "private", "sh", "-c",
		`umount -R /sys; mount -t sysfs -o ro,nosuid,nodev,noexec sysfs /sys && cd "$1" &&
		exec setpriv --reuid 65534 --regid 65534 --clear-groups "$0" try netns-veth --transcript --script "$2"`, program, dir, script)
	cmd.Env = append(os.Environ(), "HOME="+dir, "TMPDIR="+dir)
	out, err := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != exitNotSolved {
		t.Fatalf("try ended with %d, %v:\n%s", code, err, out)
	}
	for _, want := range []string{"\nc1: eth0 lo\n", "\nhost: lo vc1 1500\n", "\nextra: lo\n"} {
		if text := strings.ReplaceAll(string(out), "\r\n", "\n"); !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}
