package probe

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// Within runs fn on a thread that is in network namespace ns. The thread goes
// back to where it was; if it cannot, it ends with its goroutine.
func Within(ns int, fn func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		back, err := visit(ns, fn)
		if back {
			runtime.UnlockOSThread()
		}
		done <- err
	}()
	return <-done
}

// visit takes the calling thread into ns for fn and reports whether it is back.
func visit(ns int, fn func() error) (back bool, err error) {
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return false, fmt.Errorf("own network namespace: %w", err)
	}
	defer func() { err = errors.Join(err, home.Close()) }()
	if err := unix.Setns(ns, unix.CLONE_NEWNET); err != nil {
		return true, fmt.Errorf("enter network namespace: %w", err)
	}
	err = fn()
	// Without the rights to go back the thread is thrown away, which is as good.
	back = unix.Setns(int(home.Fd()), unix.CLONE_NEWNET) == nil
	return back, err
}
