package sandbox

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Bounds of the copy of /etc: a larger file is left out, and a larger whole ends
// the copy. Debian's own /etc is about 1,200 entries and 3 MB.
const (
	maxEtcFile  = 1 << 20
	maxEtcTotal = 40 << 20
)

// replaced are the files of /etc that every world has its own of, whatever the
// machine's say. A symbolic link to the machine's resolver would lead nowhere.
func (id identity) replacedEtc() map[string]string {
	return map[string]string{
		"hosts":       "127.0.0.1 localhost\n",
		"resolv.conf": "# this lab has no name server\n",
		"hostname":    "lab\n",
	}
}

// copyEtc copies what is readable of the machine's /etc into dir. An overlay
// would be quicker, but in it files whose owner is not mapped cannot be changed.
func copyEtc(src string, dir *os.File, id identity) error {
	own := id.replacedEtc()
	base := fmt.Sprintf("/proc/self/fd/%d/", dir.Fd())
	total := int64(0)
	err := filepath.WalkDir(src, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // what cannot be read is not there in the lab
		}
		rel := strings.TrimPrefix(strings.TrimPrefix(path, src), "/")
		if _, ok := own[rel]; ok || rel == "" || skipEtc(rel) {
			if d.IsDir() && rel != "" {
				return fs.SkipDir
			}
			return nil
		}
		n, err := copyEntry(path, base+rel, d, id)
		if total += n; total > maxEtcTotal {
			return fs.SkipAll
		}
		return err
	})
	for name, text := range own {
		err = errors.Join(err, os.WriteFile(base+name, []byte(text), 0o644), os.Lchown(base+name, id.uid, id.gid))
	}
	return err
}

// skipEtc leaves out what must not leak into a lab or is never read in one.
func skipEtc(rel string) bool {
	for _, p := range []string{"shadow", "gshadow", "sudoers", "sudoers.d", "ssh", "netns", "apparmor.d"} {
		if rel == p || strings.HasPrefix(rel, p+"/") || rel == p+"-" {
			return true
		}
	}
	return false
}

func copyEntry(from, to string, d fs.DirEntry, id identity) (int64, error) {
	info, err := d.Info()
	if err != nil {
		return 0, nil //nolint:nilerr // gone meanwhile
	}
	var n int64
	switch {
	case d.IsDir():
		if err := os.Mkdir(to, info.Mode().Perm()|0o700); err != nil {
			return 0, err
		}
	case d.Type() == fs.ModeSymlink:
		target, err := os.Readlink(from)
		if err != nil {
			return 0, nil //nolint:nilerr // as above
		}
		if err := os.Symlink(target, to); err != nil {
			return 0, err
		}
	case d.Type().IsRegular() && info.Size() <= maxEtcFile:
		if n, err = copyFile(from, to, info.Mode().Perm()); err != nil || n < 0 {
			return 0, err
		}
	default:
		return 0, nil
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !id.root {
		return n, nil
	}
	uid, gid := id.fileOwner(st.Uid, st.Gid)
	return n, os.Lchown(to, uid, gid)
}

// copyFile returns -1 for a file that may not be read.
func copyFile(from, to string, mode fs.FileMode) (int64, error) {
	in, err := os.Open(from)
	if err != nil {
		return -1, nil //nolint:nilerr // not readable, so not there in the lab
	}
	defer in.Close() //nolint:errcheck // only read
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(out, in)
	return n, errors.Join(err, out.Close())
}
