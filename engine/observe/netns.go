package observe

import (
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// inNetns runs fn on an OS thread that is inside the network namespace held by
// ns. The thread goes back to where it was; if it cannot, it is thrown away.
// Sockets that fn opens stay in the namespace for as long as they are open.
func inNetns(ns int, fn func() error) error {
	done := make(chan error, 1)
	go func() { done <- visit(ns, fn) }()
	return <-done
}

// visit does the work of inNetns and must be called on a goroutine of its own,
// because it may leave its thread locked so that the runtime discards it.
func visit(ns int, fn func() error) (err error) {
	runtime.LockOSThread()
	home, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("open own network namespace: %w", err)
	}
	defer func() { err = errors.Join(err, unix.Close(home)) }()
	if err := unix.Setns(ns, unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("enter network namespace: %w", err)
	}
	err = fn()
	if back := unix.Setns(home, unix.CLONE_NEWNET); back != nil {
		return errors.Join(err, fmt.Errorf("leave network namespace: %w", back))
	}
	runtime.UnlockOSThread()
	return err
}

// inode returns the inode of the network namespace held by ns, which is what
// tells two namespaces apart.
func inode(ns int) (uint64, error) {
	var st unix.Stat_t
	if err := unix.Fstat(ns, &st); err != nil {
		return 0, fmt.Errorf("stat network namespace: %w", err)
	}
	return st.Ino, nil
}
