package preflight

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"golang.org/x/sys/unix"
)

// trouble is why something does not work and what to do about it. Both are
// empty where all is well.
type trouble struct{ detail, remedy string }

// The remedies that several troubles share.
const (
	dockerRemedy = "start the container with: docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined (or --privileged), or use a virtual machine"
	sudoRemedy   = "start underlay with sudo; its labs still cannot touch the machine"
)

// namespaces says what keeps labs' worlds from being made, given how the child
// fared.
func (m *machine) namespaces(p probed, err error) trouble {
	switch {
	case errors.Is(err, errChild):
		return trouble{err.Error(), "run `underlay doctor` again; if it says the same, please report it as a bug"}
	case err != nil:
		return m.refused(err)
	case !p.IDs.OK:
		return m.noRights("mapping ids", p.IDs)
	case !p.Tmpfs.OK:
		return m.noRights("mounting a file system", p.Tmpfs)
	case !p.Net.OK:
		return m.noRights("changing a link", p.Net)
	case !p.Proc.OK:
		return trouble{
			"parts of /proc are hidden here, so a lab cannot have its own /proc (" + p.Proc.Error + ")",
			dockerRemedy,
		}
	case !p.ReadOnly.OK && p.ReadOnly.errno() == unix.ENOSYS:
		return trouble{"the kernel has no mount_setattr, which Linux has since 5.12", "use a newer kernel"}
	case !p.ReadOnly.OK:
		return m.noRights("making a mount read-only", p.ReadOnly)
	case m.uid == 0:
		return m.rootTrouble()
	}
	return trouble{}
}

// refused explains that namespaces cannot be made at all.
func (m *machine) refused(err error) trouble {
	said := err.Error()
	var errno unix.Errno
	if errors.As(err, &errno) {
		said = errno.Error()
	}
	if _, missing := fs.Stat(m.root, "proc/self/ns/user"); errors.Is(missing, fs.ErrNotExist) || errors.Is(err, unix.ENOSYS) {
		return trouble{"this kernel has no user namespaces (CONFIG_USER_NS)", "use a distribution's stock kernel"}
	}
	if name, limit := m.usedUp(); name != "" {
		return trouble{
			fmt.Sprintf("%s is %s, so no namespaces can be made", name, limit),
			m.asRoot("sysctl -w " + name + "=15000"),
		}
	}
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EUSERS) {
		return trouble{
			"the limit on namespaces is reached (" + said + ")",
			m.asRoot("sysctl -w user.max_user_namespaces=15000 user.max_net_namespaces=15000"),
		}
	}
	if m.uid == 0 && !m.may(unix.CAP_SYS_ADMIN) {
		return m.rootTrouble()
	}
	if m.uid != 0 && m.file("proc/sys/kernel/unprivileged_userns_clone") == "0" {
		return trouble{
			"ordinary users may not make user namespaces (kernel.unprivileged_userns_clone is 0)",
			m.asRoot("sysctl -w kernel.unprivileged_userns_clone=1"),
		}
	}
	return m.forbidden("making namespaces", said)
}

// noRights explains that namespaces can be made, but not used.
func (m *machine) noRights(doing string, o outcome) trouble {
	return m.forbidden(doing+" in a namespace of its own", o.Error)
}

// forbidden explains a refusal that comes from a security module or filter.
func (m *machine) forbidden(doing, said string) trouble {
	switch {
	case m.uid != 0 && m.file("proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1":
		return trouble{
			"AppArmor forbids ordinary users " + doing + " (kernel.apparmor_restrict_unprivileged_userns is 1)",
			m.asRoot("sysctl -w kernel.apparmor_restrict_unprivileged_userns=0") + " (or " + sudoRemedy + ")",
		}
	case m.inContainer():
		return trouble{"this container forbids " + doing + " (" + said + ")", dockerRemedy}
	case m.status("Seccomp") == "2":
		return trouble{
			"a seccomp filter on this process forbids " + doing + " (" + said + ")",
			"start underlay outside the container, sandbox or restricted service that filters it",
		}
	case m.uid != 0:
		return trouble{"this machine forbids ordinary users " + doing + " (" + said + ")", sudoRemedy}
	}
	return trouble{"this machine forbids " + doing + " (" + said + ")", "use a virtual machine, or ask whoever runs this one"}
}

// usedUp finds a limit on namespaces that is 0.
func (m *machine) usedUp() (name, limit string) {
	for _, kind := range []string{"user", "net", "mnt", "pid", "uts", "ipc"} {
		if v := m.file("proc/sys/user/max_" + kind + "_namespaces"); v == "0" {
			return "user.max_" + kind + "_namespaces", v
		}
	}
	return "", ""
}

// As root, a lab's ids are these of the machine: the same range as in
// engine/sandbox.
const (
	worldIDBase  = 1879048192
	worldIDCount = 65536
)

// rootTrouble says what is missing for running as root.
func (m *machine) rootTrouble() trouble {
	if !m.may(unix.CAP_SYS_ADMIN) {
		return trouble{"root has no CAP_SYS_ADMIN here, as in an ordinary container",
			"start the container with --privileged, or run underlay as an ordinary user"}
	}
	for _, f := range []string{"proc/self/uid_map", "proc/self/gid_map"} {
		if !covers(m.file(f), worldIDBase, worldIDCount) {
			return trouble{"root here is the root of a user namespace that lacks the ids labs use",
				"run underlay as an ordinary user, or outside this namespace"}
		}
	}
	return trouble{}
}

// covers says whether an id map has a range of ids within one line.
func covers(idMap string, base, count int64) bool {
	for line := range strings.Lines(idMap) {
		var inside, outside, size int64
		if n, err := fmt.Sscan(line, &inside, &outside, &size); n == 3 && err == nil && inside <= base && base+count <= inside+size {
			return true
		}
	}
	return false
}

// featureTrouble explains why a feature does not work.
func (m *machine) featureTrouble(f feature, o outcome) trouble {
	said := "the kernel says: " + o.Error
	switch {
	case f.id == "tun" && o.errno() == unix.EACCES:
		return trouble{"/dev/net/tun may not be opened by " + m.user, m.asRoot("chmod 0666 /dev/net/tun")}
	case f.id == "iptables" && m.look("iptables") == "":
		t, _ := toolNamed("iptables")
		return trouble{"iptables is not installed", m.installLine([]tool{t})}
	case f.id == "iptables":
		return trouble{o.Error, m.asRoot("modprobe -a nft_compat xt_MASQUERADE")}
	case f.module == "":
		return trouble{said, "use a distribution's stock kernel, which has it"}
	case m.hasModule(f.module):
		return trouble{said, m.asRoot("modprobe " + f.module)}
	case m.isUbuntu():
		return trouble{said, m.asRoot("apt-get install -y linux-modules-extra-" + m.release)}
	}
	return trouble{said, "use a kernel with the module " + f.module + ", such as a distribution's stock one in a virtual machine"}
}
