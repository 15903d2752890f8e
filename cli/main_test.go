package cli

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"underlay/engine/sandbox"
)

// The test binary is also the program: started under one of the program's names
// it is that part of it, so the tests run what is in this checkout. Under two more
// names it helps to take something away from the machine that the program sees.
const (
	withoutName = "without" // without TOOL PROGRAM ARG…: no such tool; without AF_PACKET …: no such feature
	hideName    = "hide"    // without's second half, in a mount namespace of its own
)

func TestMain(m *testing.M) {
	// The names that the program gives itself are not all known beforehand.
	if name := filepath.Base(os.Args[0]); name == sandbox.SudoName || strings.HasPrefix(name, "underlay-") {
		os.Exit(Main(os.Args, "devel"))
	}
	// Scripts wait more than they compute.
	if err := flag.Set("test.parallel", "4"); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){
		"underlay":  func() { os.Exit(Main(os.Args, "devel")) },
		withoutName: helper(without),
		hideName:    helper(hide),
	})
}

// helper is a program that becomes another; that it comes back is a failure, with
// a code that no test expects.
func helper(run func(args []string) error) func() {
	return func() {
		fmt.Fprintln(os.Stderr, os.Args, run(os.Args[1:]))
		os.Exit(125)
	}
}

// without becomes a program that lacks a tool, or the kernel's packet sockets.
// A tool is hidden in a mount namespace: root's own, or an ordinary user's in a
// user namespace that leaves the user who they are.
func without(args []string) error {
	if args[0] == "AF_PACKET" {
		return errors.Join(refuseSockets(unix.AF_PACKET), become(args[1:]))
	}
	argv := []string{"unshare", "--mount"}
	if os.Getuid() != 0 {
		argv = append(argv, "--user", "--map-current-user", "--keep-caps")
	}
	return become(append(append(argv, hideName), args...))
}

// hide puts an empty file that nobody may execute over a tool, wherever it is,
// and becomes the program.
func hide(args []string) error {
	empty := filepath.Join(os.TempDir(), fmt.Sprintf("no-%s-%d", args[0], os.Getpid()))
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		return err
	}
	hidden := 0
	for _, dir := range []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"} {
		path := filepath.Join(dir, args[0])
		if fi, err := os.Stat(path); err != nil || fi.Mode()&0o111 == 0 {
			continue
		}
		real, err := filepath.EvalSymlinks(path) // a mount goes over what a link points to
		if err != nil {
			return err
		}
		if err := unix.Mount(empty, real, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("hide %s: %w", real, err)
		}
		hidden++
	}
	if hidden == 0 {
		return fmt.Errorf("%s is nowhere to be hidden", args[0])
	}
	return errors.Join(os.Remove(empty), become(args[1:]))
}

// refuseSockets makes this thread, and the program that it becomes, live with a
// kernel that has no such family of sockets, by a filter that answers for it.
func refuseSockets(family uint32) error {
	const number, firstArg = 0, 16 // where seccomp_data has them
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: number},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_SOCKET, Jf: 3},
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: firstArg},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: family, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EAFNOSUPPORT)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	return unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0)
}

// become turns this process into a program.
func become(argv []string) error {
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return err
	}
	return syscall.Exec(path, argv, os.Environ())
}
