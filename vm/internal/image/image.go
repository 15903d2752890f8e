package image

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"underlay/engine/companion"
	"underlay/vm/internal/kernel"
	"underlay/vm/internal/plan"
)

// Packages are those whose files the image has, but for their documentation.
func Packages() []string {
	return []string{
		"bash", "bind9-dnsutils", "conntrack", "coreutils", "curl", "dash", "debianutils", "diffutils", "findutils", "grep",
		"hostname", "iproute2", "ipset", "iptables", "iputils-ping", "kmod", "less", "libc-bin", "mawk", "mount",
		"ncurses-base", "netbase", "netcat-openbsd", "nftables", "perl-base", "procps", "sed", "tcpdump", "util-linux", "vim", "wireguard-tools",
	}
}

// alternatives are the names that Debian links to one of several programs:
// they are in no package.
var alternatives = []string{
	"/usr/bin/awk", "/usr/bin/nc", "/usr/bin/pager", "/usr/bin/vim", "/usr/sbin/iptables", "/usr/sbin/iptables-save", "/usr/sbin/iptables-restore",
	"/usr/sbin/ip6tables", "/usr/sbin/ip6tables-save", "/usr/sbin/ip6tables-restore", "/usr/sbin/arptables", "/usr/sbin/ebtables",
}

// documentation is left out: nothing in the image reads it.
var documentation = []string{
	"/usr/share/doc/", "/usr/share/man/", "/usr/share/locale/", "/usr/share/info/", "/usr/share/lintian/", "/usr/share/bug/", "/usr/share/bash-completion/",
}

// Contents is what an image is made of besides the packages.
type Contents struct {
	Kernel   kernel.Kernel
	Init     string // the file that becomes /init
	Program  string // underlay
	Clusters string // the directory with underlay-kube and underlay-pod; "" leaves them out
	Tests    string // a directory of compiled tests
	Source   string // this repository
	Plan     plan.Plan
}

// Write makes an image and writes it to a file. It returns the file's size.
func Write(ctx context.Context, file string, c Contents) (size int64, err error) {
	t := NewTree()
	if err := errors.Join(t.packages(ctx), t.modules(c.Kernel), t.ours(c)); err != nil {
		return 0, err
	}
	t.system()
	f, err := os.Create(file)
	if err != nil {
		return 0, err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	size, err = t.WriteTo(w)
	return size, errors.Join(err, w.Flush(), f.Close())
}

// Absent returns those of Packages that are not installed on this machine.
func Absent(ctx context.Context) []string {
	var absent []string
	for _, name := range Packages() {
		if exec.CommandContext(ctx, "dpkg-query", "-L", name).Run() != nil {
			absent = append(absent, name)
		}
	}
	return absent
}

// packages adds the packages' files and the libraries of their programs.
func (t *Tree) packages(ctx context.Context) error {
	list, err := exec.CommandContext(ctx, "dpkg-query", append([]string{"-L"}, Packages()...)...).Output()
	if err != nil {
		return fmt.Errorf("list the packages' files: %w", err)
	}
	names := append(strings.Fields(string(list)), alternatives...)
	seen := map[string]bool{}
	for _, name := range names {
		if !strings.HasPrefix(name, "/") || isDocumentation(name) {
			continue
		}
		real, err := t.Machine(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // a machine's owner may leave files of a package out
		}
		if err != nil {
			return err
		}
		if seen[real] || t.entries[real].mode.IsDir() {
			continue
		}
		seen[real] = true
		if err := t.libraries(ctx, real); err != nil {
			return err
		}
	}
	return nil
}

func isDocumentation(name string) bool {
	for _, dir := range documentation {
		if strings.HasPrefix(name, dir) {
			return true
		}
	}
	return false
}

// modules adds the kernel's modules where modprobe looks for them.
func (t *Tree) modules(k kernel.Kernel) error {
	files, err := k.Files()
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := t.Copy("/usr/lib/modules/"+k.Release+"/"+f, filepath.Join(k.Modules(), f)); err != nil {
			return err
		}
	}
	return nil
}

// ours adds what this repository has: init, program, tests, sources, plan.
func (t *Tree) ours(c Contents) error {
	text, err := json.Marshal(c.Plan)
	if err != nil {
		return err
	}
	t.Text(plan.File, string(text))
	err = errors.Join(t.Copy("/init", c.Init), t.Copy(plan.Program, c.Program))
	if c.Clusters != "" {
		for _, name := range []string{companion.ClusterProgram, companion.PodProgram} {
			err = errors.Join(err, t.Copy(filepath.Join(filepath.Dir(plan.Program), name), filepath.Join(c.Clusters, name)))
		}
	}
	return errors.Join(err, t.copyAll(plan.Tests, c.Tests), t.copyAll(plan.Source, c.Source))
}

// copyAll adds the files below a directory, but for what git keeps and what
// make builds.
func (t *Tree) copyAll(to, from string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		switch {
		case err != nil:
			return err
		case d.IsDir() && (rel == ".git" || rel == "bin" || rel == "dist"):
			return fs.SkipDir
		case !d.Type().IsRegular() || rel == ".git":
			return nil
		}
		return t.Copy(to+"/"+rel, path)
	})
}

// system adds what every Linux system has, and an ordinary user. Programs that
// give up root's rights look for a user of their own: tcpdump.
func (t *Tree) system() {
	for _, dir := range []string{"/dev", "/mnt", "/proc", "/run", "/sys", "/usr/bin", "/usr/sbin", "/var/log", "/etc/network"} {
		t.Dir(dir, 0o755, 0)
	}
	t.Dir("/tmp", 0o1777, 0)
	t.Dir("/var/tmp", 0o1777, 0)
	t.Dir("/root", 0o700, 0)
	t.Dir("/home/"+plan.Ordinary, 0o755, plan.OrdinaryID)
	id := strconv.Itoa(plan.OrdinaryID)
	t.Text("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\n"+
		"tcpdump:x:107:107::/nonexistent:/usr/sbin/nologin\n"+
		"nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"+
		plan.Ordinary+":x:"+id+":"+id+"::/home/"+plan.Ordinary+":/bin/bash\n")
	t.Text("/etc/group", "root:x:0:\ntty:x:5:\ntcpdump:x:107:\nnogroup:x:65534:\n"+plan.Ordinary+":x:"+id+":\n")
	t.Text("/etc/fstab", "") // an ordinary user's umount wants to read it
	t.Text("/etc/hosts", "127.0.0.1 localhost\n")
	t.Text("/etc/hostname", "vm\n")
	t.Text("/etc/resolv.conf", "")
	t.Text("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n")
	t.Text("/etc/os-release", "ID=debian\n")
}
