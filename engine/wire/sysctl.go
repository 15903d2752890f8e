package wire

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"

	"underlay/engine"
)

func (b *builder) sysctls() error {
	for _, n := range b.t.Nodes {
		if err := setSysctls(b.ns[n.Name], n.Sysctls, false); err != nil {
			return fmt.Errorf("%s: %w", n.Name, err)
		}
	}
	return nil
}

// Set writes settings in a network namespace. One that fails does not keep the
// others from being written.
func Set(ns int, settings []engine.Sysctl) error { return setSysctls(ns, settings, false) }

// setSysctls writes settings in a network namespace. A setting that this kernel
// does not have is an error unless it is optional.
func setSysctls(ns int, settings []engine.Sysctl, optional bool) error {
	if len(settings) == 0 {
		return nil
	}
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // the thread stays in the namespace, so it is thrown away
		if err := unix.Setns(ns, unix.CLONE_NEWNET); err != nil {
			done <- err
			return
		}
		var errs []error
		for _, s := range settings {
			err := os.WriteFile(sysctlPath(s.Name), []byte(s.Value), 0)
			if err != nil && (!optional || !errors.Is(err, os.ErrNotExist)) {
				errs = append(errs, fmt.Errorf("set %s: %w", s.Name, err))
			}
		}
		done <- errors.Join(errs...)
	}()
	return <-done
}

// sysctlPath follows sysctl(8): dots separate, and a name that has a slash
// already is a path, for interface names with dots in them.
func sysctlPath(name string) string {
	if strings.Contains(name, "/") {
		return "/proc/sys/" + name
	}
	return "/proc/sys/" + strings.ReplaceAll(name, ".", "/")
}
