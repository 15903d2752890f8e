package netns

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// Go calls f as Do does, and does not wait for it. Done gets what f returned.
func Go(path string, f func() error, done func(error)) {
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		done(enter(path, f))
	}()
}

// Inside reports whether the calling thread is in the namespace that path names.
func Inside(path string) (bool, error) {
	var here, there unix.Stat_t
	if err := unix.Stat("/proc/thread-self/ns/net", &here); err != nil {
		return false, fmt.Errorf("own network namespace: %w", err)
	}
	if err := unix.Stat(path, &there); err != nil {
		return false, fmt.Errorf("network namespace %s: %w", path, err)
	}
	return here.Dev == there.Dev && here.Ino == there.Ino, nil
}
