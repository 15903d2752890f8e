// Package netns acts in network namespaces. A namespace belongs to a thread, not to
// a process: code enters one on a locked goroutine, and a thread that cannot be given
// back as it was ends with that.
package netns

import (
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

func init() {
	// The main thread cannot be thrown away: keep every goroutine but main's off it.
	runtime.LockOSThread()
}

// Do runs fn on an OS thread that is in the network namespace held by ns. Sockets
// that fn opens stay in the namespace for as long as they are open, and children that
// it starts are born there. fn must leave the thread in that namespace, and all else
// of the thread as it is.
//
// The thread goes back to where it was, which takes half as long as making another;
// if it cannot, it is thrown away.
func Do(ns int, fn func() error) error {
	done := make(chan error, 1)
	go func() { done <- visit(ns, fn) }()
	return <-done
}

// visit does the work of Do. It must be called on a goroutine of its own, because it
// may leave its thread locked so that the runtime discards it.
func visit(ns int, fn func() error) (err error) {
	runtime.LockOSThread()
	home, err := Current()
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	defer func() { err = errors.Join(err, unix.Close(home)) }()
	if err := Enter(ns); err != nil {
		runtime.UnlockOSThread()
		return err
	}
	err = fn()
	// Without the right to go back the thread is thrown away, which is as good.
	if unix.Setns(home, unix.CLONE_NEWNET) == nil {
		runtime.UnlockOSThread()
	}
	return err
}

// Thread runs fn on an OS thread that ends with it, so fn may move the thread into
// other namespaces, make new ones, and change what it shares with others. Children
// that fn starts are born where the thread is by then. They must not ask for a signal
// at their parent's end (PR_SET_PDEATHSIG): that is the thread's.
func Thread[T any](fn func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends here
		value, err := fn()
		done <- result{value, err}
	}()
	r := <-done
	return r.value, r.err
}

// Enter moves the calling thread, which must be that of Thread, into the network
// namespace held by ns.
func Enter(ns int) error {
	if err := unix.Setns(ns, unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter network namespace: %w", err)
	}
	return nil
}

// Unshare moves the calling thread, which must be that of Thread, into a new network
// namespace and returns a descriptor of it.
func Unshare() (ns int, err error) {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return -1, fmt.Errorf("make network namespace: %w", err)
	}
	return Current()
}

// New makes a network namespace, which lives for as long as the descriptor that it
// returns, or anything that was made in it.
func New() (ns int, err error) { return Thread(Unshare) }

// Own is the path of the calling thread's network namespace.
const Own = "/proc/thread-self/ns/net"

// Current returns a descriptor of the calling thread's network namespace.
func Current() (ns int, err error) {
	if ns, err = unix.Open(Own, unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
		return -1, fmt.Errorf("open own network namespace: %w", err)
	}
	return ns, nil
}

// ID is the identity of a namespace: equal ones are the same.
type ID struct{ Dev, Ino uint64 }

// Identify returns the identity of the namespace held by ns.
func Identify(ns int) (ID, error) {
	var st unix.Stat_t
	if err := unix.Fstat(ns, &st); err != nil {
		return ID{}, fmt.Errorf("stat network namespace: %w", err)
	}
	return ID{Dev: st.Dev, Ino: st.Ino}, nil
}
