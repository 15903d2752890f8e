package netns

import (
	"fmt"
	"strings"
)

// SettingPath is the file of a kernel setting, which below net is that of the network
// namespace of the thread that opens it. The name is turned into a path by the rule of
// sysctl(8): the separator that comes first in the name separates, and with "." as
// separator a "/" stands for a dot, so that "net.ipv4.conf.eth0/100.forwarding" and
// "net/ipv4/conf/eth0.100/forwarding" are the same.
func SettingPath(name string) (string, error) {
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
