package podinit

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"underlay/engine/pid1"
	"underlay/kube/pod"
)

const (
	rootSize = "size=64m,mode=0755" // of a container's own files
	oldRoot  = "/.node"             // where the old root is while a new one is made
	scratch  = "/.scratch"
)

// ownDirs are directories of which every container has its own, empty at first.
var ownDirs = map[string]os.FileMode{
	"run": 0o755, "tmp": 0o777 | os.ModeSticky, "root": 0o700, "home": 0o755, "mnt": 0o755, "opt": 0o755, "srv": 0o755,
}

// makeRoot makes the root of a container: a memory file system of its own, on
// which the directories of the world's root are bound, so that its tools are
// there. /proc, /sys, /run, /tmp and the home directories are the container's.
func makeRoot(p pod.Process) error {
	if err := pid1.PrivateMounts(); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", p.Root, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, rootSize); err != nil {
		return fmt.Errorf("mount the container's root: %w", err)
	}
	if err := os.Mkdir(p.Root+oldRoot, 0o700); err != nil {
		return err
	}
	if err := unix.PivotRoot(p.Root, p.Root+oldRoot); err != nil {
		return fmt.Errorf("pivot_root: %w", err)
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	if err := fillRoot(); err != nil {
		return err
	}
	for _, program := range p.Programs {
		if err := placeProgram(program); err != nil {
			return err
		}
	}
	for _, m := range p.Mounts {
		if err := place(m); err != nil {
			return fmt.Errorf("mount %s: %w", m.To, err)
		}
	}
	if err := unix.Unmount(oldRoot, unix.MNT_DETACH); err != nil {
		return fmt.Errorf("detach the node's root: %w", err)
	}
	return os.Remove(oldRoot)
}

func fillRoot() error {
	entries, err := os.ReadDir(oldRoot)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := e.Name()
		if mode, own := ownDirs[name]; own || name == "proc" || name == "sys" {
			if err := ownDir("/"+name, mode|0o755); err != nil {
				return err
			}
			continue
		}
		if err := show(oldRoot+"/"+name, "/"+name); err != nil {
			return err
		}
	}
	if err := mountSys(); err != nil {
		return err
	}
	// As in any container only the pod's own network settings can be written.
	return pid1.MountSafeProc("/proc/sys")
}

func ownDir(dir string, mode os.FileMode) error {
	return errors.Join(os.Mkdir(dir, mode), os.Chmod(dir, mode))
}

// show makes what is at from visible at to, which does not exist yet: symbolic
// links are copied, all else is bound with what is mounted below it.
func show(from, to string) error {
	fi, err := os.Lstat(from)
	if err != nil {
		return nil //nolint:nilerr // what cannot be seen here is not there
	}
	switch {
	case fi.Mode()&os.ModeSymlink != 0:
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		return os.Symlink(target, to)
	case fi.IsDir():
		if err := os.Mkdir(to, 0o755); err != nil {
			return err
		}
	default:
		if err := os.WriteFile(to, nil, 0o644); err != nil {
			return err
		}
	}
	if err := unix.Mount(from, to, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("bind %s: %w", to, err)
	}
	return nil
}

// mountSys mounts a /sys that lists the pod's interfaces.
func mountSys() error {
	const flags = unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	err := unix.Mount("sysfs", "/sys", "sysfs", flags, "")
	if errors.Is(err, unix.EPERM) { // the pod shares a network namespace that is not ours
		err = unix.Mount(oldRoot+"/sys", "/sys", "", unix.MS_BIND|unix.MS_REC, "")
	}
	if err != nil {
		return fmt.Errorf("mount /sys: %w", err)
	}
	return nil
}

// placeProgram puts a program of built-in images where its names are found.
func placeProgram(p pod.Program) error {
	file := pod.ProgramDir + "/." + path.Base(p.Path)
	if err := place(pod.Mount{From: p.Path, To: file, ReadOnly: true}); err != nil {
		return fmt.Errorf("place %s: %w", p.Path, err)
	}
	for _, name := range p.Names {
		if err := os.Symlink(path.Base(file), pod.ProgramDir+"/"+name); err != nil {
			return err
		}
	}
	return nil
}

// place binds a file or directory of the old root at a place in the new one.
func place(m pod.Mount) error {
	from := oldRoot + m.From
	fi, err := os.Stat(from)
	if err != nil {
		return err
	}
	to, err := mountPoint(path.Clean("/"+m.To), fi.IsDir())
	if err != nil {
		return err
	}
	if err := unix.Mount(from, to, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return err
	}
	if m.ReadOnly {
		return pid1.ReadOnly(to, false)
	}
	return nil
}

// mountPoint returns where to mount what is to be at to, made if need be. What is
// missing is made on the container's own file system only: elsewhere the world
// would get it too.
func mountPoint(to string, dir bool) (string, error) {
	if real, err := filepath.EvalSymlinks(to); err == nil {
		return real, nil
	}
	parent := path.Dir(to)
	if parent == to {
		return "", errors.New("the root cannot be a mount point")
	}
	parent, err := mountPoint(parent, true)
	if err != nil {
		return "", err
	}
	if own, err := onOwn(parent); err != nil {
		return "", err
	} else if !own {
		if err := mirror(parent); err != nil {
			return "", fmt.Errorf("mirror %s: %w", parent, err)
		}
	}
	to = path.Join(parent, path.Base(to))
	if dir {
		return to, os.Mkdir(to, 0o755)
	}
	return to, os.WriteFile(to, nil, 0o644)
}

// onOwn reports whether dir is on a file system that this container made.
func onOwn(dir string) (bool, error) {
	var fs unix.Statfs_t
	var st, root syscall.Stat_t
	if err := errors.Join(unix.Statfs(dir, &fs), syscall.Stat(dir, &st), syscall.Stat("/", &root)); err != nil {
		return false, err
	}
	if st.Dev == root.Dev {
		return true, nil
	}
	_, err := os.Stat(path.Join(dir, mirrorMark))
	return fs.Type == unix.TMPFS_MAGIC && err == nil, nil
}

// mirrorMark is a file by which a mirror is known.
const mirrorMark = ".underlay-mirror"

// mirror covers a directory with a memory file system that shows the same
// entries, to which more can be added.
func mirror(dir string) error {
	if err := os.Mkdir(scratch, 0o755); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", scratch, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, rootSize); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := show(path.Join(dir, e.Name()), path.Join(scratch, e.Name())); err != nil {
			return err
		}
	}
	if err := os.WriteFile(path.Join(scratch, mirrorMark), nil, 0o444); err != nil {
		return err
	}
	if err := unix.Mount(scratch, dir, "", unix.MS_MOVE, ""); err != nil {
		return err
	}
	return os.Remove(scratch)
}
