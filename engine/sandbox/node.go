package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/netns"
	"underlay/engine/seqpacket"
)

// node is a named network namespace and, once something runs in it, mount and
// uts namespaces in which /etc and the hostname are its own.
type node struct {
	spec NodeSpec
	net  int // descriptor, kept open; -1 in an adopted node

	// adopted nodes belong to somebody else, who may take them away: they are
	// opened anew each time, so that nothing of ours keeps them.
	adopted bool

	once      sync.Once
	furnished atomic.Bool // mnt and uts are there
	mnt       int
	uts       int
	err       error
}

// addNodes makes network namespaces under /run/netns and returns descriptors for
// the app, in the order of specs; the caller closes them.
func (w *worldInit) addNodes(specs []NodeSpec) (fds []int, err error) {
	nodes, err := makeNamespaces(specs)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range nodes {
		fd, err := unix.FcntlInt(uintptr(n.net), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			seqpacket.CloseAll(fds)
			return nil, err
		}
		fds = append(fds, fd)
		w.nodes[n.spec.Name] = n
	}
	return fds, nil
}

// makeNamespaces unshares one network namespace after the other on a thread that
// is thrown away.
func makeNamespaces(specs []NodeSpec) ([]*node, error) {
	return netns.Thread(func() (nodes []*node, err error) {
		for _, spec := range specs {
			n := &node{spec: spec}
			if err := n.create(); err != nil {
				return nodes, err
			}
			nodes = append(nodes, n)
		}
		return nodes, nil
	})
}

// refresh replaces the nodes that the learner has deleted and made anew. It
// returns their names and descriptors of their namespaces; the caller closes them.
func (w *worldInit) refresh() (names []string, fds []int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for name, n := range w.nodes {
		if n.adopted {
			continue
		}
		fd, ok := n.successor()
		if !ok || len(fds) == seqpacket.MaxFDs {
			continue
		}
		dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			_ = unix.Close(fd)
			continue
		}
		names, fds = append(names, name), append(fds, dup)
		w.nodes[name] = &node{spec: n.spec, net: fd}
	}
	return names, fds
}

// adopt makes nodes of these network namespaces, and returns the names and
// descriptors of those that are there; the caller closes them.
func (w *worldInit) adopt(names []string) (found []string, fds []int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, name := range names {
		if old := w.nodes[name]; old != nil && !old.adopted {
			continue // it has a name that is taken
		}
		if fd, ok := openNamespace(name); ok {
			w.nodes[name] = &node{spec: NodeSpec{Name: name}, net: -1, adopted: true}
			found, fds = append(found, name), append(fds, fd)
		}
	}
	return found, fds
}

// successor opens the namespace that bears the node's name now, if it is another one.
func (n *node) successor() (fd int, ok bool) {
	fd, ok = openNamespace(n.spec.Name)
	if !ok {
		return 0, false
	}
	now, err1 := netns.Identify(fd)
	was, err2 := netns.Identify(n.net)
	if err1 != nil || err2 != nil || now == was {
		_ = unix.Close(fd)
		return 0, false
	}
	return fd, true
}

// openNamespace opens the network namespace that bears a name.
func openNamespace(name string) (fd int, ok bool) {
	fd, err := unix.Open("/run/netns/"+name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, false
	}
	var fs unix.Statfs_t
	if unix.Fstatfs(fd, &fs) != nil || fs.Type != unix.NSFS_MAGIC {
		_ = unix.Close(fd)
		return 0, false
	}
	return fd, true
}

func (n *node) create() error {
	name := n.spec.Name
	if name == "" || strings.ContainsAny(name, "/\x00") || name == "." || name == ".." {
		return fmt.Errorf("a node cannot be called %q", name)
	}
	var err error
	if n.net, err = netns.Unshare(); err != nil {
		return fmt.Errorf("node %s: %w", name, err)
	}
	path := "/run/netns/" + name
	if err := os.WriteFile(path, nil, 0o444); err != nil {
		return err
	}
	if err := unix.Mount(netns.Own, path, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("bind %s: %w", path, err)
	}
	return n.writeEtc()
}

// writeEtc writes the files that `ip netns exec` and we put over /etc.
func (n *node) writeEtc() error {
	dir := "/etc/netns/" + n.spec.Name
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, text := range map[string]string{"hosts": n.spec.HostsFile(), "resolv.conf": n.spec.resolvConf()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// HostsFile is the text of the node's /etc/hosts.
func (s NodeSpec) HostsFile() string {
	var b strings.Builder
	fmt.Fprintf(&b, "127.0.0.1\tlocalhost\n127.0.1.1\t%s\n", s.Name)
	names := make([]string, 0, len(s.Hosts))
	for name := range s.Hosts {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&b, "%s\t%s\n", s.Hosts[name], name)
	}
	return b.String()
}

func (s NodeSpec) resolvConf() string {
	var b strings.Builder
	if len(s.DNS) == 0 {
		b.WriteString("# this node has no name server\n")
	}
	if len(s.DNSSearch) > 0 {
		fmt.Fprintf(&b, "search %s\n", strings.Join(s.DNSSearch, " "))
	}
	for _, server := range s.DNS {
		fmt.Fprintf(&b, "nameserver %s\n", server)
	}
	if len(s.DNSOptions) > 0 {
		fmt.Fprintf(&b, "options %s\n", strings.Join(s.DNSOptions, " "))
	}
	return b.String()
}

// enter moves the calling thread, which must be locked and thrown away, into the
// node. The first call makes the node's mount and uts namespaces: they cost more
// than a network namespace, and most nodes of a large lab never run anything.
func (n *node) enter() error {
	if n.adopted {
		return n.visit()
	}
	if err := netns.Enter(n.net); err != nil {
		return fmt.Errorf("node %s: %w", n.spec.Name, err)
	}
	first := false
	n.once.Do(func() { first = true; n.err = n.furnish() })
	if n.err != nil || first {
		return n.err
	}
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return err
	}
	return errors.Join(unix.Setns(n.uts, unix.CLONE_NEWUTS), unix.Setns(n.mnt, unix.CLONE_NEWNS))
}

// visit moves the calling thread into an adopted node, with mount and uts
// namespaces that are this thread's alone.
func (n *node) visit() error {
	fd, ok := openNamespace(n.spec.Name)
	if !ok {
		return fmt.Errorf("there is no network namespace %s", n.spec.Name)
	}
	err := netns.Enter(fd)
	_ = unix.Close(fd)
	if err != nil {
		return fmt.Errorf("node %s: %w", n.spec.Name, err)
	}
	return n.ownFiles()
}

// furnish makes the calling thread's mount and uts namespaces the node's.
func (n *node) furnish() (err error) {
	if err := n.ownFiles(); err != nil {
		return err
	}
	if n.mnt, err = unix.Open("/proc/thread-self/ns/mnt", unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
		return err
	}
	if n.uts, err = unix.Open("/proc/thread-self/ns/uts", unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
		return err
	}
	n.furnished.Store(true)
	return nil
}

// ownFiles gives the calling thread mount and uts namespaces in which /etc, /sys
// and the hostname are the node's.
func (n *node) ownFiles() error {
	if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_NEWUTS); err != nil {
		return fmt.Errorf("namespaces of %s: %w", n.spec.Name, err)
	}
	if err := unix.Sethostname([]byte(n.spec.Name)); err != nil {
		return err
	}
	for _, name := range []string{"hosts", "resolv.conf"} {
		from := "/etc/netns/" + n.spec.Name + "/" + name
		if _, err := os.Stat(from); err != nil && n.adopted {
			continue // who made it gave it none
		}
		if err := unix.Mount(from, "/etc/"+name, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("bind %s: %w", from, err)
		}
	}
	if err := ownSys(); err != nil {
		return fmt.Errorf("/sys of %s: %w", n.spec.Name, err)
	}
	return nil
}

// sysfsFlags are those of every instance of sysfs in a world.
const sysfsFlags = unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC

// ownSys makes /sys/class/net list the interfaces of the calling thread's network
// namespace: by an instance of its own, or, in a container whose /sys is read-only for
// good, by that instance's directories of interfaces alone. There ip netns exec would take
// the instance away, and be refused another, because it asks for a writable one where
// it could take one away.
func ownSys() error {
	var inherited unix.Statfs_t
	if err := unix.Statfs("/sys", &inherited); err != nil {
		return err
	}
	if err := unix.Mount("sysfs", "/sys", "sysfs", sysfsFlags, ""); err != nil {
		return fmt.Errorf("mount sysfs: %w", err)
	}
	if inherited.Flags&unix.ST_RDONLY == 0 {
		return nil
	}
	// class/net has links into devices/virtual/net.
	dirs := []string{"/sys/class/net", "/sys/devices/virtual/net"}
	var copies []int
	defer func() {
		for _, fd := range copies {
			_ = unix.Close(fd)
		}
	}()
	for _, dir := range dirs {
		fd, err := unix.OpenTree(unix.AT_FDCWD, dir, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
		if err != nil {
			return fmt.Errorf("copy %s: %w", dir, err)
		}
		copies = append(copies, fd)
	}
	if err := unix.Unmount("/sys", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("unmount sysfs: %w", err)
	}
	for i, dir := range dirs {
		if err := unix.MoveMount(copies[i], "", unix.AT_FDCWD, dir, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
			return fmt.Errorf("attach %s: %w", dir, err)
		}
	}
	return nil
}
