// Package pid1 is what the first process of a pid namespace does, be it that of a
// lab's world or of a pod's container: it has mounts of its own and collects the dead.
package pid1

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Reap collects every child that has ended: those that the caller started, and
// the orphans that every init inherits. It returns when there is none left to collect.
func Reap(ended func(pid int, status unix.WaitStatus)) {
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, unix.WNOHANG, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || pid <= 0 {
			return
		}
		ended(pid, status)
	}
}

// PrivateMounts keeps what is mounted in this mount namespace from others, and
// the other way round.
func PrivateMounts() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	return nil
}

// ShareMounts makes dir a mount of its own, so that what is mounted below it is
// seen in the mount namespaces that are made of this one.
func ShareMounts(dir string) error {
	if err := unix.Mount(dir, dir, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("bind %s: %w", dir, err)
	}
	if err := unix.Mount("", dir, "", unix.MS_SHARED, ""); err != nil {
		return fmt.Errorf("share %s: %w", dir, err)
	}
	return nil
}

// ReadOnly makes the mount at path read-only, with all that is mounted below it
// if recursive.
func ReadOnly(path string, recursive bool) error {
	flags := uint(0)
	if recursive {
		flags = unix.AT_RECURSIVE
	}
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	if err := unix.MountSetattr(unix.AT_FDCWD, path, flags, &attr); err != nil {
		return fmt.Errorf("make %s read-only: %w", path, err)
	}
	return nil
}

// MountProc mounts a /proc of the caller's pid namespace as it is.
func MountProc() error {
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	return nil
}

// masked are files through which root could stop or read the machine. Their
// owners protect them too; this is the second lock.
var masked = []string{"sysrq-trigger", "kcore", "kmsg", "keys", "timer_list", "latency_stats", "sched_debug"}

// MountSafeProc mounts a /proc of the caller's pid namespace through which nobody can stop
// or read the machine. What is below the directory readOnly, /proc or one of
// its own, cannot be written either, but for the network's settings.
func MountSafeProc(readOnly string) error {
	if err := MountProc(); err != nil {
		return err
	}
	for _, name := range masked {
		err := unix.Mount("/dev/null", "/proc/"+name, "", unix.MS_BIND, "")
		if err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("mask /proc/%s: %w", name, err)
		}
	}
	binds := []string{"/proc/sys/net"}
	if readOnly != "/proc" {
		binds = []string{readOnly, "/proc/sys/net"}
	}
	for _, dir := range binds {
		if err := unix.Mount(dir, dir, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("bind %s: %w", dir, err)
		}
	}
	return ReadOnly(readOnly, false)
}
