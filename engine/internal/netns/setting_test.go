package netns

import "testing"

// The writer of settings once took the third name for a path as it stands.
func TestSettingPath(t *testing.T) {
	for name, want := range map[string]string{
		"net.ipv4.ip_forward":                   "/proc/sys/net/ipv4/ip_forward",
		"net/ipv4/ip_forward":                   "/proc/sys/net/ipv4/ip_forward",
		"net.ipv4.conf.eth0/100.forwarding":     "/proc/sys/net/ipv4/conf/eth0.100/forwarding",
		"net/ipv4/conf/eth0.100/forwarding":     "/proc/sys/net/ipv4/conf/eth0.100/forwarding",
		"net.ipv4.conf.all.rp_filter":           "/proc/sys/net/ipv4/conf/all/rp_filter",
		"":                                      "",
		".net":                                  "",
		"net..ipv4":                             "",
		"net/../kernel/core_pattern":            "",
		"net.ipv4.conf.eth0.":                   "",
		"/proc/sys/net/ipv4/ip_forward":         "",
		"net.ipv4.conf.//.kernel.core_pattern/": "",
	} {
		got, err := SettingPath(name)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", name, got, err, want)
		}
	}
}
