// Package guest is what runs inside the virtual machine: its init, which makes
// a system of the image's files, and the runner, which runs the plan and says
// over a serial line how each step went.
package guest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"

	"underlay/vm/internal/plan"
)

// RunnerName is argv[0] of the child of init that runs the plan.
const RunnerName = "vm-runner"

// path is where programs are.
const path = "/usr/sbin:/usr/bin:/sbin:/bin"

// Init is the first process of the virtual machine. It returns only if it could
// not turn the machine off; the kernel then panics, which ends the machine, too.
func Init() error {
	if err := system(); err != nil {
		return fmt.Errorf("set the system up: %w", err)
	}
	runner, err := os.StartProcess("/init", []string{RunnerName}, &os.ProcAttr{
		Env:   []string{"PATH=" + path, "HOME=/root", plan.LaneVariable + "=" + os.Getenv(plan.LaneVariable)},
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr},
	})
	if err != nil {
		return err
	}
	// Orphans come to the first process, which has to bury them.
	for {
		pid, err := unix.Wait4(-1, nil, 0, nil)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		if pid == runner.Pid {
			break
		}
	}
	unix.Sync()
	return unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
}

// system does what a distribution's init would have done by now.
func system() error {
	if err := enterRoot(); err != nil {
		return err
	}
	for _, m := range []struct {
		what, where string
		flags       uintptr
		options     string
	}{
		{"proc", "/proc", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC, ""},
		{"sysfs", "/sys", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC, ""},
		{"cgroup2", "/sys/fs/cgroup", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC, ""},
		{"devtmpfs", "/dev", unix.MS_NOSUID, ""},
		{"devpts", "/dev/pts", unix.MS_NOSUID | unix.MS_NOEXEC, "gid=5,mode=620,ptmxmode=666"},
		{"tmpfs", "/dev/shm", unix.MS_NOSUID | unix.MS_NODEV, "mode=1777"},
		{"tmpfs", "/run", unix.MS_NOSUID | unix.MS_NODEV, "mode=755"},
		{"tmpfs", "/tmp", unix.MS_NOSUID | unix.MS_NODEV, "mode=1777"},
	} {
		if err := os.MkdirAll(m.where, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m.what, m.where, m.what, m.flags, m.options); err != nil {
			return fmt.Errorf("mount %s: %w", m.where, err)
		}
	}
	for name, target := range map[string]string{"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"} {
		if err := os.Symlink(target, "/dev/"+name); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	if err := os.Setenv("PATH", path); err != nil {
		return err
	}
	// The device of tun is there from the start on a distribution, for everyone.
	return errors.Join(
		unix.Sethostname([]byte("vm")),
		run("ip", "link", "set", "lo", "up"),
		run("modprobe", "tun"),
		os.Chmod("/dev/net/tun", 0o666),
	)
}

// enterRoot makes the root a mount like any other. An initramfs is unpacked
// into the one that the kernel begins with, which pivot_root, and so every lab,
// refuses to leave.
func enterRoot() error {
	if err := unix.Mount("/", "/mnt", "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("bind the root: %w", err)
	}
	if err := os.Chdir("/mnt"); err != nil {
		return err
	}
	if err := unix.Mount(".", "/", "", unix.MS_MOVE, ""); err != nil {
		return fmt.Errorf("move the root: %w", err)
	}
	return errors.Join(unix.Chroot("."), os.Chdir("/"))
}

func run(name string, args ...string) error {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %v: %w: %s", name, args, err, out)
	}
	return nil
}

// identity is the user that a step is run by.
func identity(s plan.Step) *syscall.Credential {
	if s.Root {
		return nil
	}
	return &syscall.Credential{Uid: plan.OrdinaryID, Gid: plan.OrdinaryID}
}
