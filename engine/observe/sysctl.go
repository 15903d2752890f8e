package observe

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/netns"
)

// readSysctls reads kernel settings as a task in the namespace sees them. One
// that does not exist is left out. Values are without the final newline.
func (n *node) readSysctls(names []string) (map[string]string, error) {
	values := make(map[string]string, len(names))
	if len(names) == 0 {
		return values, nil
	}
	var errs []error
	err := netns.Do(n.NS, func() error {
		for _, name := range names {
			path, err := netns.SettingPath(name)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			b, err := os.ReadFile(path)
			switch {
			case err == nil:
				values[name] = strings.TrimRight(string(b), "\n")
			case !errors.Is(err, os.ErrNotExist) && !errors.Is(err, unix.ENOTDIR):
				errs = append(errs, fmt.Errorf("read sysctl %s: %w", name, err))
			}
		}
		return nil
	})
	return values, errors.Join(append(errs, err)...)
}
