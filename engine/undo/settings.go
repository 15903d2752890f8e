package undo

import (
	"cmp"
	"slices"
	"strings"
)

// settings leaves out the files that are no settings but buttons.
func settings(all map[string]string) map[string]string {
	out := make(map[string]string, len(all))
	for path, value := range all {
		if !strings.HasSuffix(path, "/flush") {
			out[path] = value
		}
	}
	return out
}

// settingDevice is the device that a setting is about; "" where it is about all
// of the node.
func settingDevice(path string) string {
	f := strings.Split(path, "/")
	if len(f) == 5 && (f[2] == "conf" || f[2] == "neigh") && f[3] != "all" && f[3] != "default" {
		return f[3]
	}
	return ""
}

// settingName is a setting as sysctl(8) takes it.
func settingName(path string) string {
	if strings.Contains(path, ".") {
		return path // a device with a dot in its name
	}
	return strings.ReplaceAll(path, "/", ".")
}

// sortSettings orders settings so that one which the kernel copies to others is
// written before these: the node's forwarding, then all devices', then that of
// devices to come, then the devices' own.
func sortSettings(paths []string) {
	rank := func(path string) int {
		switch {
		case path == "net/ipv4/ip_forward":
			return 0
		case strings.Contains(path, "/all/"):
			return 1
		case strings.Contains(path, "/default/"):
			return 2
		case settingDevice(path) != "":
			return 3
		}
		return 4
	}
	slices.SortFunc(paths, func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
	})
}
