package preflight

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/sys/unix"
)

// fake is an ordinary user's machine on which all is well, with these files on
// top. An empty text removes a file.
func fake(files map[string]string) *machine {
	root := fstest.MapFS{}
	for path, text := range map[string]string{
		"proc/self/ns/user": " ", "proc/self/status": "CapEff:\t0000000000000000\nSeccomp:\t0\n",
		"proc/self/uid_map": "0 0 4294967295", "proc/self/gid_map": "0 0 4294967295",
		"proc/sys/user/max_user_namespaces": "15000", "etc/os-release": "ID=debian",
	} {
		root[path] = &fstest.MapFile{Data: []byte(text)}
	}
	for path, text := range files {
		if text == "" {
			delete(root, path)
			continue
		}
		root[path] = &fstest.MapFile{Data: []byte(text)}
	}
	return &machine{
		root: root, release: "6.1.0-18-amd64", uid: 1000, user: "ada",
		env:  func(string) string { return "" },
		look: func(name string) string { return "/usr/bin/" + name }, companion: func(name string) string { return "/opt/" + name },
		building: func() string { return "" },
		ask:      func(context.Context, []string) (probed, error) { return well(), nil },
	}
}

// well is what the child finds where everything works.
func well() probed {
	ok := outcome{OK: true}
	p := probed{IDs: ok, Tmpfs: ok, Proc: ok, ReadOnly: ok, Net: ok, Features: map[string]outcome{}}
	for _, f := range features() {
		p.Features[f.id] = ok
	}
	return p
}

func TestNamespaceTroublesAreToldApart(t *testing.T) {
	const apparmor, clone = "proc/sys/kernel/apparmor_restrict_unprivileged_userns", "proc/sys/kernel/unprivileged_userns_clone"
	refused := func(errno unix.Errno) error {
		return &os.PathError{Op: "fork/exec", Path: "/proc/self/exe", Err: errno}
	}
	bad := func(change func(*probed)) probed {
		p := well()
		change(&p)
		return p
	}
	eperm, eacces := outcomeOf(unix.EPERM), outcomeOf(fmt.Errorf("mount: %w", unix.EACCES))
	const allCaps, noAdmin = "CapEff:\t000001ffffffffff\n", "CapEff:\t00000000a80425fb\nSeccomp:\t2\n"
	for name, c := range map[string]struct {
		files          map[string]string
		root           bool
		probed         probed
		err            error
		detail, remedy string
	}{
		"all well":           {probed: well()},
		"all well as root":   {root: true, files: map[string]string{"proc/self/status": allCaps}, probed: well()},
		"Debian of old":      {files: map[string]string{clone: "0\n"}, err: refused(unix.EPERM), detail: "unprivileged_userns_clone is 0", remedy: "sudo sysctl -w kernel.unprivileged_userns_clone=1"},
		"limit 0":            {files: map[string]string{"proc/sys/user/max_user_namespaces": "0"}, err: refused(unix.ENOSPC), detail: "user.max_user_namespaces is 0", remedy: "sudo sysctl -w user.max_user_namespaces=15000"},
		"net limit 0":        {files: map[string]string{"proc/sys/user/max_net_namespaces": "0"}, err: refused(unix.ENOSPC), detail: "user.max_net_namespaces is 0", remedy: "user.max_net_namespaces=15000"},
		"limit reached":      {err: refused(unix.ENOSPC), detail: "limit on namespaces is reached", remedy: "sudo sysctl -w user.max_user_namespaces"},
		"Ubuntu, refused":    {files: map[string]string{apparmor: "1\n", clone: "1"}, err: refused(unix.EACCES), detail: "AppArmor forbids ordinary users", remedy: "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"},
		"Ubuntu, no rights":  {files: map[string]string{apparmor: "1\n"}, probed: bad(func(p *probed) { p.Tmpfs = eacces }), detail: "AppArmor", remedy: "apparmor_restrict_unprivileged_userns=0"},
		"no user namespaces": {files: map[string]string{"proc/self/ns/user": ""}, err: refused(unix.EINVAL), detail: "CONFIG_USER_NS", remedy: "stock kernel"},
		"Docker":             {files: map[string]string{".dockerenv": " "}, err: refused(unix.EPERM), detail: "this container forbids making namespaces", remedy: "seccomp=unconfined"},
		"Docker, no mount":   {files: map[string]string{".dockerenv": " "}, probed: bad(func(p *probed) { p.Tmpfs = eacces }), detail: "container forbids mounting", remedy: "apparmor=unconfined"},
		"Docker, masked":     {files: map[string]string{".dockerenv": " "}, probed: bad(func(p *probed) { p.Proc = eperm }), detail: "parts of /proc are hidden", remedy: "systempaths=unconfined"},
		"seccomp":            {files: map[string]string{"proc/self/status": "Seccomp:\t2\n"}, err: refused(unix.EPERM), detail: "seccomp", remedy: "outside"},
		"something else":     {err: refused(unix.EPERM), detail: "forbids ordinary users making namespaces (operation not permitted)", remedy: "sudo"},
		"no net rights":      {probed: bad(func(p *probed) { p.Net = eperm }), detail: "changing a link", remedy: "sudo"},
		"no ids":             {probed: bad(func(p *probed) { p.IDs = eperm }), detail: "mapping ids", remedy: "sudo"},
		"old kernel":         {probed: bad(func(p *probed) { p.ReadOnly = outcomeOf(unix.ENOSYS) }), detail: "mount_setattr", remedy: "newer kernel"},
		"container's root":   {root: true, files: map[string]string{"proc/self/status": noAdmin, ".dockerenv": " "}, err: refused(unix.EPERM), detail: "CAP_SYS_ADMIN", remedy: "--privileged"},
		"root of few ids":    {root: true, files: map[string]string{"proc/self/status": allCaps, "proc/self/uid_map": "0 1000 1\n1 100000 65536"}, probed: well(), detail: "lacks the ids", remedy: "ordinary user"},
		"a broken child":     {err: fmt.Errorf("%w: exit status 2", errChild), detail: "the probe failed", remedy: "report"},
	} {
		t.Run(name, func(t *testing.T) {
			m := fake(c.files)
			if c.root {
				m.uid, m.user = 0, "root"
			}
			got := m.namespaces(c.probed, c.err)
			if c.detail == "" && got != (trouble{}) {
				t.Errorf("got %+v where all is well", got)
			}
			if !strings.Contains(got.detail, c.detail) || !strings.Contains(got.remedy, c.remedy) {
				t.Errorf("got detail %q, remedy %q\nwant %q and %q in them", got.detail, got.remedy, c.detail, c.remedy)
			}
			if c.root && strings.Contains(got.remedy, "sudo") {
				t.Errorf("root is told to use sudo: %s", got.remedy)
			}
			m.ask = func(context.Context, []string) (probed, error) { return c.probed, c.err }
			if reason, remedy := m.missing(t.Context(), []string{"veth"}); reason != got.detail || remedy != got.remedy {
				t.Errorf("Missing says %q, %q", reason, remedy)
			}
			f := finding(t, m.doctor(t.Context()), "namespaces")
			if f.OK != (got.detail == "") || !f.OK && f.Remedy != got.remedy {
				t.Errorf("Doctor says %+v", f)
			}
		})
	}
}

func TestClusters(t *testing.T) {
	m := fake(nil)
	if reason, remedy := m.missing(t.Context(), []string{"kubernetes", "veth"}); reason != "" || remedy != "" {
		t.Errorf("with both programs: %q, %q", reason, remedy)
	}
	if f := finding(t, m.doctor(t.Context()), Kubernetes); !f.OK || f.Required || f.Detail != "/opt/underlay-kube" {
		t.Errorf("%+v", f)
	}
	m.companion = func(name string) string { return map[string]string{"underlay-kube": "/opt/underlay-kube"}[name] }
	reason, remedy := m.missing(t.Context(), []string{"kubernetes"})
	if reason != "this machine lacks Underlay's own program underlay-pod, which makes Kubernetes clusters" || !strings.Contains(remedy, "make kube") {
		t.Errorf("without one: %q, %q", reason, remedy)
	}
	m.companion = func(string) string { return "" }
	if reason, _ := m.missing(t.Context(), []string{"kubernetes"}); !strings.Contains(reason, "programs underlay-kube and underlay-pod") {
		t.Errorf("without both: %q", reason)
	}
	if reason, _ := m.missing(t.Context(), []string{"veth"}); reason != "" {
		t.Errorf("a lab without a cluster: %q", reason)
	}
	f := finding(t, m.doctor(t.Context()), Kubernetes)
	if f.OK || f.Detail != "underlay-kube and underlay-pod not there yet" || !strings.Contains(f.Remedy, "make kube") || !m.doctor(t.Context()).OK() {
		t.Errorf("%+v", f)
	}
}

func TestBuildingCompanions(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got := building(dir); got != "" {
		t.Errorf("nobody builds: %q", got)
	}
	write("kube.lock", "")
	write("kube.log", "packages: 2000\na\nb\nc\n")
	if got := building(dir); got != "" {
		t.Errorf("it was built and cut short: %q", got)
	}
	lock, err := os.Open(filepath.Join(dir, "kube.lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close() //nolint:errcheck // a lock
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	if got := building(dir); !strings.Contains(got, "3 of at most 2000 packages") {
		t.Errorf("while it is built: %q", got)
	}
	write("kube.log", "")
	if got := building(dir); !strings.HasPrefix(got, "they are being built") {
		t.Errorf("when it begins: %q", got)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_UN); err != nil {
		t.Fatal(err)
	}
	write("kube.log", "packages: 2\nerror\nfailed\n")
	if got := building(dir); !strings.Contains(got, "could not be built") || !strings.Contains(got, "kube.log") {
		t.Errorf("when that failed: %q", got)
	}
	m := fake(nil)
	m.companion, m.building = func(string) string { return "" }, func() string { return "they are being built" }
	if _, remedy := m.missing(t.Context(), []string{"kubernetes"}); remedy != "they are being built" {
		t.Errorf("the remedy is %q", remedy)
	}
}

func TestMissingToolsAndTheirPackages(t *testing.T) {
	for manager, want := range map[string]string{
		"apt-get": "sudo apt-get install -y conntrack dnsutils iproute2 iputils-ping netcat-openbsd",
		"dnf":     "sudo dnf install -y bind-utils conntrack-tools iproute iputils nmap-ncat",
		"pacman":  "sudo pacman -S --needed bind conntrack-tools iproute2 iputils openbsd-netcat",
		"apk":     "sudo apk add bind-tools conntrack-tools iproute2 iputils netcat-openbsd",
		"none":    "install these packages: conntrack dnsutils iproute2 iputils-ping netcat-openbsd",
	} {
		m := fake(nil)
		m.look = func(name string) string {
			if name == manager {
				return "/usr/bin/" + name
			}
			return ""
		}
		reason, remedy := m.missing(t.Context(), []string{"veth", "dig", "ip", "ss", "ping", "conntrack", "nc"})
		if remedy != want {
			t.Errorf("%s: got %q, want %q", manager, remedy, want)
		}
		if reason != "this machine lacks the tool dig, the tool ip, the tool ss, the tool ping, the tool conntrack and the tool nc" {
			t.Errorf("reason: %q", reason)
		}
	}
	m := fake(nil)
	m.uid = 0
	m.look = func(name string) string { return map[string]string{"apt-get": "/usr/bin/apt-get"}[name] }
	r := m.doctor(t.Context())
	const all = "apt-get install -y bash conntrack curl dnsutils iproute2 ipset iptables iputils-ping less netcat-openbsd nftables procps tcpdump util-linux vim wireguard-tools"
	if r.Install != all || r.OK() {
		t.Errorf("install line %q, want %q", r.Install, all)
	}
	if f := finding(t, r, "tool/dig"); f.OK || !f.Required || f.Remedy != "apt-get install -y dnsutils" {
		t.Errorf("%+v", f)
	}
}

func TestMissingFeaturesAndTheirModules(t *testing.T) {
	p := well()
	p.Features["ipvlan"] = outcomeOf(unix.EOPNOTSUPP)
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"there":  {map[string]string{"lib/modules/6.1.0-18-amd64/modules.dep": "kernel/drivers/net/ipvlan/ipvlan.ko.xz:\n"}, "sudo modprobe ipvlan"},
		"Ubuntu": {map[string]string{"etc/os-release": "NAME=\"Ubuntu\"\nID=ubuntu\n"}, "sudo apt-get install -y linux-modules-extra-6.1.0-18-amd64"},
		"absent": {nil, "use a kernel with the module ipvlan, such as a distribution's stock one in a virtual machine"},
	} {
		m := fake(c.files)
		m.ask = func(context.Context, []string) (probed, error) { return p, nil }
		reason, remedy := m.missing(t.Context(), []string{"veth", "ipvlan", "dig"})
		if remedy != c.want || reason != "this machine lacks the kernel feature ipvlan (the kernel says: operation not supported)" {
			t.Errorf("%s: got %q, %q, want %q", name, reason, remedy, c.want)
		}
		if f := finding(t, m.doctor(t.Context()), "kernel/ipvlan"); f.OK || f.Remedy != c.want {
			t.Errorf("%+v", f)
		}
	}
	m := fake(nil)
	p.Features["tun"] = outcomeOf(&os.PathError{Op: "open", Path: "/dev/net/tun", Err: unix.EACCES})
	m.ask = func(context.Context, []string) (probed, error) { return p, nil }
	if _, remedy := m.missing(t.Context(), []string{"tun"}); remedy != "sudo chmod 0666 /dev/net/tun" {
		t.Errorf("tun: %q", remedy)
	}
}

func TestKernelVersions(t *testing.T) {
	for release, ok := range map[string]bool{
		"6.18.44": true, "5.14.0-70.el9": true, "5.12.1": true, "5.10.0-28-amd64": false, "4.19.0": false, "odd": false,
	} {
		m := fake(nil)
		m.release = release
		if f := m.kernelFinding(); f.OK != ok || f.OK != (f.Remedy == "") {
			t.Errorf("%s: %+v", release, f)
		}
	}
}

func TestTerminal(t *testing.T) {
	for _, c := range []struct {
		term, lang     string
		typeOK, utf8OK bool
	}{
		{"xterm-256color", "de_DE.UTF-8", true, true},
		{"xterm", "C.utf8", true, true},
		{"dumb", "C", false, false},
		{"", "", false, false},
	} {
		m := fake(nil)
		m.env = func(name string) string { return map[string]string{"TERM": c.term, "LANG": c.lang}[name] }
		if f := m.termFinding(); f.OK != c.typeOK || f.Required {
			t.Errorf("%+v", f)
		}
		if f := m.localeFinding(); f.OK != c.utf8OK || f.Required {
			t.Errorf("%+v", f)
		}
	}
	m := fake(nil)
	m.env = func(name string) string { return map[string]string{"LC_ALL": "C", "LANG": "C.UTF-8"}[name] }
	if f := m.localeFinding(); f.OK {
		t.Errorf("LC_ALL goes before LANG: %+v", f)
	}
}

func TestProberAsksOnceForEachFeature(t *testing.T) {
	var calls [][]string
	p := &prober{spawn: func(_ context.Context, ids []string) (probed, error) {
		calls = append(calls, ids)
		out := well()
		out.Features = map[string]outcome{}
		for _, id := range ids {
			out.Features[id] = outcome{OK: true}
		}
		return out, nil
	}}
	for _, ids := range [][]string{{"veth"}, {"bridge", "nat"}, {}, {"vxlan", "veth"}, {"vxlan"}} {
		got, err := p.ask(t.Context(), ids)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			if !got.Features[id].OK {
				t.Errorf("no answer about %s", id)
			}
		}
	}
	if len(calls) != 2 || len(calls[1]) != 1 || calls[1][0] != "vxlan" {
		t.Errorf("children were asked %q", calls)
	}
}
