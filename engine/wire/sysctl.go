package wire

import (
	"errors"
	"fmt"
	"os"

	"underlay/engine"
	"underlay/engine/internal/netns"
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
	return netns.Do(ns, func() error {
		var errs []error
		for _, s := range settings {
			path, err := netns.SettingPath(s.Name)
			if err == nil {
				err = os.WriteFile(path, []byte(s.Value), 0)
			}
			if err != nil && (!optional || !errors.Is(err, os.ErrNotExist)) {
				errs = append(errs, fmt.Errorf("set %s: %w", s.Name, err))
			}
		}
		return errors.Join(errs...)
	})
}
