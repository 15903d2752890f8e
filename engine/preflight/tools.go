package preflight

import (
	"os/exec"
	"slices"
	"strings"
)

// toolDirs is where a lab's shells look for programs.
var toolDirs = [...]string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}

// lookTool returns a tool's path, or "".
func lookTool(name string) string {
	for _, dir := range toolDirs {
		if path, err := exec.LookPath(dir + "/" + name); err == nil {
			return path
		}
	}
	return ""
}

// tool is a program that labs use.
type tool struct {
	name     string
	purpose  string
	required bool // most labs use it
	packages packages
}

// packages are the names of the package that has a tool.
type packages struct{ apt, dnf, pacman, apk string }

func everywhere(name string) packages { return packages{name, name, name, name} }

// tools lists what labs may require.
func tools() []tool {
	iproute := packages{"iproute2", "iproute", "iproute2", "iproute2"}
	return []tool{
		{"bash", "the labs' shell", true, everywhere("bash")},
		{"ip", "links, addresses, routes, namespaces", true, iproute},
		{"bridge", "bridge ports and forwarding tables", true, iproute},
		{"ss", "sockets", true, iproute},
		{"ping", "reachability", true, packages{"iputils-ping", "iputils", "iputils", "iputils"}},
		{"curl", "web requests", true, everywhere("curl")},
		{"iptables", "packet filter and NAT", true, packages{"iptables", "iptables-nft", "iptables", "iptables"}},
		{"nft", "packet filter and NAT", true, everywhere("nftables")},
		{"tcpdump", "packet capture", true, everywhere("tcpdump")},
		{"conntrack", "tracked connections", true, packages{"conntrack", "conntrack-tools", "conntrack-tools", "conntrack-tools"}},
		{"dig", "DNS queries", true, packages{"dnsutils", "bind-utils", "bind", "bind-tools"}},
		{"tc", "traffic control", false, packages{"iproute2", "iproute-tc", "iproute2", "iproute2"}},
		{"nc", "TCP and UDP by hand", false, packages{"netcat-openbsd", "nmap-ncat", "openbsd-netcat", "netcat-openbsd"}},
		{"ipset", "sets of addresses", false, everywhere("ipset")},
		{"wg", "WireGuard keys and peers", false, packages{"wireguard-tools", "wireguard-tools", "wireguard-tools", "wireguard-tools-wg"}},
		{"sysctl", "kernel settings", false, packages{"procps", "procps-ng", "procps-ng", "procps"}},
		{"nsenter", "entering namespaces", false, everywhere("util-linux")},
		{"vim", "editing", false, packages{"vim", "vim-enhanced", "vim", "vim"}},
		{"less", "reading long output", false, everywhere("less")},
	}
}

func toolNamed(name string) (tool, bool) {
	all := tools()
	i := slices.IndexFunc(all, func(t tool) bool { return t.name == word(name) })
	if i < 0 {
		return tool{}, false
	}
	return all[i], true
}

// manager is a package manager.
type manager struct {
	program string
	install string
	name    func(packages) string
}

func managers() []manager {
	return []manager{
		{"apt-get", "apt-get install -y", func(p packages) string { return p.apt }},
		{"dnf", "dnf install -y", func(p packages) string { return p.dnf }},
		{"pacman", "pacman -S --needed", func(p packages) string { return p.pacman }},
		{"apk", "apk add", func(p packages) string { return p.apk }},
	}
}

// installLine is the one command that installs these tools here, or what to do
// where the package manager is not known.
func (m *machine) installLine(missing []tool) string {
	if len(missing) == 0 {
		return ""
	}
	for _, pm := range managers() {
		if m.look(pm.program) != "" {
			return m.asRoot(pm.install + " " + packageList(missing, pm.name))
		}
	}
	return "install these packages: " + packageList(missing, managers()[0].name)
}

func packageList(missing []tool, name func(packages) string) string {
	var names []string
	for _, t := range missing {
		names = append(names, name(t.packages))
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), " ")
}
