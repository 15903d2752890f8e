// Package world makes the surroundings of a cluster for tests: what a lab's
// sandbox is to the cluster in the tutor. A test binary that calls Main runs
// all of its tests in a world of its own, with the same rights that a lab has:
// none outside, all inside. Started by root, root is somebody else inside;
// started by an ordinary user, that user is itself and has all capabilities.
package world

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"underlay/engine/pid1"
)

const (
	// Inside is set in the environment of a binary that is in its world.
	inside = "UNDERLAY_KUBE_WORLD"
	// RootID is the first of the ids that root's ids are mapped to. They own
	// nothing on any machine.
	rootID = 1879048192
)

// Dir is the world's own directory for tests' files, in memory.
const Dir = "/run/test"

// Goroutines that change their network namespace end their thread, which must
// not be the main one.
func init() { runtime.LockOSThread() }

// Main runs the tests in a world and returns the exit status. It is what
// TestMain calls.
func Main(m *testing.M) int {
	if os.Getenv(inside) != "" {
		if err := build(); err != nil {
			fmt.Fprintln(os.Stderr, "world:", err)
			return 1
		}
		return m.Run()
	}
	status, err := enter()
	if err != nil {
		fmt.Fprintln(os.Stderr, "world:", err)
		return 1
	}
	return status
}

// Enter runs this binary again with the same arguments as the first process
// of new namespaces.
func enter() (status int, err error) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = os.Args
	cmd.Env = append(os.Environ(), inside+"=1", "TMPDIR="+Dir)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	attr := &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC,
		Pdeathsig:  unix.SIGKILL,
	}
	uid, gid := os.Getuid(), os.Getgid()
	attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
	attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}}
	if uid == 0 {
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: rootID, Size: 65536}}
		attr.GidMappings = attr.UidMappings
		attr.GidMappingsEnableSetgroups = true
		attr.Credential = &syscall.Credential{}
	}
	if attr.AmbientCaps, err = capabilities(); err != nil {
		return 0, err
	}
	cmd.SysProcAttr = attr
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	return 0, err
}

// Capabilities are all that this kernel knows.
func capabilities() ([]uintptr, error) {
	text, err := os.ReadFile("/proc/sys/kernel/cap_last_cap")
	if err != nil {
		return nil, err
	}
	last, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, err
	}
	all := make([]uintptr, last+1)
	for i := range all {
		all[i] = uintptr(i)
	}
	return all, nil
}

// Build makes the mounts of the world.
func build() error {
	if err := pid1.PrivateMounts(); err != nil {
		return err
	}
	if err := pid1.MountProc(); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", "/run", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, ""); err != nil {
		return fmt.Errorf("mount /run: %w", err)
	}
	for _, dir := range []string{Dir, "/run/netns", "/run/lock"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	// Shared, because pods have mount namespaces of their own.
	return pid1.ShareMounts("/run/netns")
}
