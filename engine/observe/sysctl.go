package observe

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/netns"
)

// sysctlPath turns a sysctl's name into its path below /proc/sys by the rule of
// sysctl(8): the separator that comes first in the name separates, and with "."
// as separator a "/" stands for a dot, so that "net.ipv4.conf.eth0/100.forwarding"
// and "net/ipv4/conf/eth0.100/forwarding" are the same.
func sysctlPath(name string) (string, error) {
	path := name
	if i := strings.IndexAny(name, "./"); i >= 0 && name[i] == '.' {
		path = strings.Map(func(r rune) rune {
			switch r {
			case '.':
				return '/'
			case '/':
				return '.'
			}
			return r
		}, name)
	}
	for part := range strings.SplitSeq(path, "/") {
		if part == "" || part == "." || part == ".." {
			return "", fmt.Errorf("not a sysctl name: %q", name)
		}
	}
	return "/proc/sys/" + path, nil
}

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
			path, err := sysctlPath(name)
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
