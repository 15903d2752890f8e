package sandbox

import (
	"context"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/netns"
)

// resolverFiles are the files in /etc that name resolution reads.
var resolverFiles = []string{"hosts", "resolv.conf", "nsswitch.conf"}

// TrustFile is the file below /etc from which OpenSSL's and other programs of Debian read
// which certificates they trust.
const TrustFile = "ssl/certs/ca-certificates.crt"

// maxResolverFile is how much of one is read, in bytes.
const maxResolverFile = 1 << 20

// ResolverFiles returns the files in /etc that programs of a node resolve names by, as
// they see them (hosts, resolv.conf, nsswitch.conf), by name, and the node's hostname.
// Those that are not there, or cannot be read, are left out.
func (w *World) ResolverFiles(ctx context.Context, node string) (files map[string][]byte, hostname string, err error) {
	return w.etcFiles(ctx, request{Etc: node})
}

// Trusted returns the certificates that programs of a node trust, in PEM: nil if its file
// of them is not there.
func (w *World) Trusted(ctx context.Context, node string) ([]byte, error) {
	files, _, err := w.etcFiles(ctx, request{Etc: node, Trusted: true})
	return files[TrustFile], err
}

func (w *World) etcFiles(ctx context.Context, r request) (files map[string][]byte, hostname string, err error) {
	got, err := w.call(ctx, r)
	if err != nil {
		return nil, "", fmt.Errorf("read files of %s: %w", r.Etc, err)
	}
	files = map[string][]byte{}
	for i, fd := range got.fds {
		f := os.NewFile(uintptr(fd), got.Names[i])
		text, err := io.ReadAll(io.LimitReader(f, maxResolverFile))
		if err == nil {
			files[got.Names[i]] = text
		}
		_ = f.Close() // only read
	}
	return files, got.Output, nil
}

// etcOf opens a node's files of name resolution, or that of what it trusts. Where nothing has been started in the
// node yet, it has no mounts: then they are those that would be put over /etc.
func (w *worldInit) etcOf(name string, trusted bool) (names []string, fds []int, hostname string, err error) {
	w.mu.Lock()
	n := w.nodes[name]
	w.mu.Unlock()
	if n == nil {
		return nil, nil, "", fmt.Errorf("there is no node %q", name)
	}
	wanted := resolverFiles
	if trusted {
		wanted = []string{TrustFile}
	}
	if n.furnished.Load() {
		_, err = netns.Thread(func() (struct{}, error) {
			if err := n.enter(); err != nil {
				return struct{}{}, err
			}
			var uts unix.Utsname
			if err := unix.Uname(&uts); err != nil {
				return struct{}{}, err
			}
			hostname = unix.ByteSliceToString(uts.Nodename[:])
			names, fds = openFiles(wanted, "/etc")
			return struct{}{}, nil
		})
		return names, fds, hostname, err
	}
	names, fds = openFiles(wanted, "/etc/netns/"+name, "/etc")
	return names, fds, name, nil
}

// openFiles opens each of the files in the first directory that has it.
func openFiles(wanted []string, dirs ...string) (names []string, fds []int) {
	for _, name := range wanted {
		for _, dir := range dirs {
			if fd, err := openRegular(dir + "/" + name); err == nil {
				names, fds = append(names, name), append(fds, fd)
				break
			}
		}
	}
	return names, fds
}

// openRegular opens a regular file. A learner may have put a pipe in its place, for which
// nobody must wait.
func openRegular(path string) (int, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		_ = unix.Close(fd)
		return -1, fmt.Errorf("%s is no file", path)
	}
	return fd, nil
}
