package sandbox

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"underlay/engine/pid1"
)

// Sizes of a world's private file systems. They are memory: together they bound
// what a learner who fills every one of them can take.
const (
	sizeTmp  = "64m"
	sizeHome = "64m"
	sizeEtc  = "48m"
	sizeRun  = "16m"
	sizeDev  = "1m"
	sizeShm  = "16m"
)

// toolDir holds what the program adds to a world: itself, sudo, the shell's
// start-up file, a socket. It is read-only there.
const toolDir = "/run/underlay"

// stage builds the file tree that a world sees, in a mount namespace of the
// calling thread, and makes it that thread's root. The thread must be locked and
// thrown away. Mounts made here are locked for the world, which is in a user
// namespace of its own: it can neither undo them nor make them writable.
type stage struct {
	id   identity
	exe  string // the running binary
	home string // the learner's home, as a path in the world

	extra []Tool
}

// stageRoot is where the tree is put together. /tmp exists everywhere, and what
// is mounted there is seen by the calling thread alone.
const stageRoot = "/tmp"

// build returns what the app keeps of a world: its socket, its /run, and its
// empty /etc, to be filled by the caller at leisure.
func (s *stage) build() (kept stageFiles, err error) {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return kept, fmt.Errorf("unshare mount namespace: %w", err)
	}
	if err := pid1.PrivateMounts(); err != nil {
		return kept, err
	}
	if kept.socket, err = s.furnish(); err != nil {
		return kept, err
	}
	if kept.etc, err = os.Open(stageRoot + "/etc"); err != nil {
		return kept, errors.Join(err, kept.close())
	}
	if kept.run, err = os.Open(stageRoot + "/run"); err != nil {
		return kept, errors.Join(err, kept.close())
	}
	if err := enterRoot(stageRoot); err != nil {
		return kept, errors.Join(err, kept.close())
	}
	return kept, nil
}

// stageFiles are directories of a world, and its socket, which the app keeps open.
type stageFiles struct {
	etc, run *os.File
	socket   net.Listener
}

func (f stageFiles) close() error {
	var errs []error
	for _, dir := range []*os.File{f.etc, f.run} {
		if dir != nil {
			errs = append(errs, dir.Close())
		}
	}
	if f.socket != nil {
		errs = append(errs, f.socket.Close())
	}
	return errors.Join(errs...)
}

// furnish puts the tree together at stageRoot and returns the world's socket.
func (s *stage) furnish() (socket net.Listener, err error) {
	// They are opened while they can be seen where they are.
	tools := append([]Tool{{Name: "underlay", Path: s.exe}}, s.extra...)
	for i, t := range tools {
		fd, err := unix.Open(t.Path, unix.O_PATH|unix.O_CLOEXEC, 0)
		if err != nil {
			return nil, fmt.Errorf("open %s: %w", t.Path, err)
		}
		defer unix.Close(fd) //nolint:errcheck // a path descriptor
		tools[i].Path = fmt.Sprintf("/proc/self/fd/%d", fd)
	}
	if err := s.attachRoot(); err != nil {
		return nil, err
	}
	for _, m := range s.privateMounts() {
		if err := m.mount(s); err != nil {
			return nil, err
		}
	}
	if err := s.devices(); err != nil {
		return nil, err
	}
	if socket, err = s.tools(tools); err != nil {
		return nil, err
	}
	if err := s.homeFiles(); err != nil {
		return nil, errors.Join(err, socket.Close())
	}
	return socket, nil
}

// attachRoot puts a read-only copy of the whole tree at stageRoot.
func (s *stage) attachRoot() error {
	fd, err := unix.OpenTree(unix.AT_FDCWD, "/", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
	if err != nil {
		return fmt.Errorf("copy the mount tree: %w", err)
	}
	defer unix.Close(fd) //nolint:errcheck // the mount stays
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	if err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &attr); err != nil {
		return fmt.Errorf("make the mount tree read-only: %w", err)
	}
	if err := unix.MoveMount(fd, "", unix.AT_FDCWD, stageRoot, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return fmt.Errorf("attach the mount tree: %w", err)
	}
	return s.writableKernelFiles()
}

// writableKernelFiles lifts read-only from /proc and /sys themselves (not from
// what is mounted below them): the id maps of the world's init are written
// through this /proc, and the kernel lets a world mount its own instances only
// if those it inherits are as writable. They are covered by the world's own,
// which are read-only; and their files' owners protect them in any case,
// because nobody in a world is the machine's root.
func (s *stage) writableKernelFiles() error {
	attr := unix.MountAttr{Attr_clr: unix.MOUNT_ATTR_RDONLY}
	for _, dir := range []string{"/proc", "/sys"} {
		err := unix.MountSetattr(unix.AT_FDCWD, stageRoot+dir, 0, &attr)
		if err != nil && !errors.Is(err, unix.EPERM) { // EPERM: read-only where the program itself started
			return fmt.Errorf("make %s writable: %w", dir, err)
		}
	}
	return nil
}

type tmpfs struct {
	path, size, mode string
	optional         bool // skipped where the machine has no such directory
}

func (s *stage) privateMounts() []tmpfs {
	return []tmpfs{
		{path: "/etc", size: sizeEtc, mode: "0755"},
		{path: "/run", size: sizeRun, mode: "0755"},
		{path: "/tmp", size: sizeTmp, mode: "1777"},
		{path: "/dev", size: sizeDev, mode: "0755"},
		{path: "/var/tmp", size: sizeTmp, mode: "1777", optional: true},
		{path: "/var/log", size: sizeRun, mode: "0755", optional: true},
		{path: s.home, size: sizeHome, mode: "0700"},
	}
}

func (m tmpfs) mount(s *stage) error {
	target := stageRoot + m.path
	if fi, err := os.Stat(target); err != nil || !fi.IsDir() {
		if m.optional {
			return nil
		}
		return fmt.Errorf("this machine has no directory %s", m.path)
	}
	if real, err := filepath.EvalSymlinks(target); err != nil || real != target {
		return fmt.Errorf("%s is a symbolic link; cannot put a private directory there", m.path)
	}
	opts := fmt.Sprintf("size=%s,mode=%s,uid=%d,gid=%d", m.size, m.mode, s.id.uid, s.id.gid)
	if err := unix.Mount("tmpfs", target, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, opts); err != nil {
		return fmt.Errorf("mount a private %s: %w", m.path, err)
	}
	return nil
}

// devices fills /dev: the harmless ones, ptys of its own, shared memory.
func (s *stage) devices() error {
	dev := stageRoot + "/dev"
	for _, name := range []string{"null", "zero", "full", "random", "urandom", "tty", "net/tun"} {
		if err := bindDevice("/dev/"+name, dev+"/"+name); err != nil && name != "net/tun" {
			return err
		}
	}
	if err := os.Mkdir(dev+"/pts", 0o755); err != nil {
		return err
	}
	if err := unix.Mount("devpts", dev+"/pts", "devpts", unix.MS_NOSUID|unix.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620"); err != nil {
		return fmt.Errorf("mount ptys: %w", err)
	}
	if err := os.Mkdir(dev+"/shm", 0o755); err != nil {
		return err
	}
	if err := (tmpfs{path: "/dev/shm", size: sizeShm, mode: "1777"}).mount(s); err != nil {
		return err
	}
	for name, to := range map[string]string{
		"ptmx": "pts/ptmx", "fd": "/proc/self/fd",
		"stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2",
	} {
		if err := os.Symlink(to, dev+"/"+name); err != nil {
			return err
		}
	}
	return nil
}

func bindDevice(from, to string) error {
	f, err := os.OpenFile(from, os.O_RDWR, 0)
	if err != nil && !strings.HasSuffix(from, "/tty") { // /dev/tty cannot be opened without a terminal
		return err
	}
	if f != nil {
		_ = f.Close()
	}
	return bindFile(from, to, false)
}

// bindFile binds a file over a new empty one.
func bindFile(from, to string, readOnly bool) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(to, nil, 0o644); err != nil {
		return err
	}
	if err := unix.Mount(from, to, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("bind %s: %w", from, err)
	}
	if !readOnly {
		return nil
	}
	return pid1.ReadOnly(to, false)
}

// tools puts this binary and the others where a world finds them, whatever
// directories they came from, and a sudo that is this binary under another name.
// It returns the world's socket, which is beside them.
//
// No child is forked meanwhile: until it becomes another program it has our
// descriptors, and one that is open for writing keeps the kernel from making
// the file system read-only (EBUSY).
func (s *stage) tools(tools []Tool) (socket net.Listener, err error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	dir := stageRoot + toolDir
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "size=1m,mode=0755"); err != nil {
		return nil, fmt.Errorf("mount the tool directory: %w", err)
	}
	for _, t := range tools {
		if err := bindFile(t.Path, dir+"/bin/"+t.Name, true); err != nil {
			return nil, err
		}
	}
	if err := os.Symlink("underlay", dir+"/bin/sudo"); err != nil {
		return nil, err
	}
	if err := os.WriteFile(dir+"/bashrc", []byte(bashrc), 0o644); err != nil {
		return nil, err
	}
	if err := os.WriteFile(dir+"/inputrc", []byte(inputrc), 0o644); err != nil {
		return nil, err
	}
	if socket, err = listen(stageRoot + SocketPath); err != nil {
		return nil, err
	}
	if err := pid1.ReadOnly(dir, false); err != nil {
		return nil, errors.Join(err, socket.Close())
	}
	return socket, nil
}

// homeFiles makes shells that the learner starts look like the first one.
func (s *stage) homeFiles() error {
	path := stageRoot + s.home + "/.bashrc"
	if err := os.WriteFile(path, []byte(". "+toolDir+"/bashrc\n"), 0o644); err != nil {
		return err
	}
	return os.Chown(path, s.id.uid, s.id.gid)
}

// enterRoot makes dir the root of the calling thread's mount namespace and lets
// go of the old one.
func enterRoot(dir string) error {
	if err := os.Chdir(dir); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("pivot_root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("detach the old root: %w", err)
	}
	return os.Chdir("/")
}

// worldHome is the directory that becomes the learner's private home.
func worldHome() string {
	home := os.Getenv("HOME")
	fi, err := os.Stat(home)
	real, evalErr := filepath.EvalSymlinks(home)
	if err != nil || evalErr != nil || !fi.IsDir() || real != home || strings.Count(home, "/") < 1 || home == "/" {
		return "/tmp"
	}
	for _, d := range []string{"/etc", "/run", "/tmp", "/dev", "/proc", "/sys", "/usr"} {
		if home == d || strings.HasPrefix(home, d+"/") {
			return "/tmp"
		}
	}
	return home
}
