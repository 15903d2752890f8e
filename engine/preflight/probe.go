package preflight

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// ProbeName is argv[0] of the child that tries features. main calls ProbeMain
// when it finds itself started under this name.
const ProbeName = "underlay-preflight"

// guard is set in the child's environment, to the ids "UID:GID" of its parent.
// A binary that does not know ProbeName would otherwise start children of
// children.
const guard = "UNDERLAY_PREFLIGHT_CHILD"

// scratch is where the child mounts a file system of its own.
const scratch = "/tmp"

// tryLimit bounds all trials of one child together. They take some 50 ms, but
// half a minute on a busy emulated machine that first loads a module for each.
const tryLimit = time.Minute

// maxProbed bounds in bytes what a child may print.
const maxProbed = 1 << 20

// outcome is how one trial ended.
type outcome struct {
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"` // in the kernel's words
	Errno int    `json:"errno,omitempty"` // 0 if the kernel gave none
}

func outcomeOf(err error) outcome {
	if err == nil {
		return outcome{OK: true}
	}
	o := outcome{Error: err.Error()}
	var errno unix.Errno
	if errors.As(err, &errno) {
		o.Errno = int(errno)
	}
	return o
}

func (o outcome) errno() unix.Errno { return unix.Errno(o.Errno) }

// probed is what the child prints.
type probed struct {
	IDs      outcome            `json:"ids"`      // mapping its user and group
	Tmpfs    outcome            `json:"tmpfs"`    // mounting a tmpfs
	Proc     outcome            `json:"proc"`     // mounting a /proc of its own
	ReadOnly outcome            `json:"readonly"` // mount_setattr
	Net      outcome            `json:"net"`      // rtnetlink in its network namespace
	Features map[string]outcome `json:"features"`
}

// ProbeMain is the main function of the child: it tries the features named and
// prints what came of it as JSON. It refuses to run anywhere but in the
// namespaces that its parent made for it, so it can be started by hand safely.
// It returns an exit code.
func ProbeMain(args []string) int {
	if err := inThrowAway(); err != nil {
		fmt.Fprintln(os.Stderr, ProbeName+":", err)
		return 2
	}
	ctx, cancel := context.WithTimeout(context.Background(), tryLimit)
	defer cancel()
	if err := json.NewEncoder(os.Stdout).Encode(probe(ctx, args)); err != nil {
		fmt.Fprintln(os.Stderr, ProbeName+":", err)
		return 1
	}
	return 0
}

func inThrowAway() error {
	links, err := net.Interfaces()
	if os.Getenv(guard) == "" || os.Getpid() != 1 || err != nil || inUse(links) {
		return errors.New("only underlay itself starts this part of underlay")
	}
	return nil
}

// inUse says whether a network namespace with these links is one that somebody
// uses. A new one may have more than lo: a kernel with the module of ipip or gre
// loaded puts a tunnel of that kind into each, which is down.
func inUse(links []net.Interface) bool {
	return slices.ContainsFunc(links, func(l net.Interface) bool {
		return l.Flags&net.FlagUp != 0 && l.Flags&net.FlagLoopback == 0
	})
}

func probe(ctx context.Context, ids []string) probed {
	p := probed{Features: map[string]outcome{}}
	if p.IDs = outcomeOf(mapIDs(os.Getenv(guard))); !p.IDs.OK {
		return p
	}
	p.mounts()
	nl, err := netlink.NewHandle()
	if err == nil {
		defer nl.Close()
		err = nl.SetSocketTimeout(tryLimit)
	}
	if err == nil { // netlink can be had without any right; changing something cannot
		var lo netlink.Link
		if lo, err = nl.LinkByName("lo"); err == nil {
			err = nl.LinkSetUp(lo)
		}
	}
	if p.Net = outcomeOf(err); err != nil {
		return p
	}
	t := &trial{ctx: ctx, nl: nl}
	wanted := map[string]bool{}
	for _, id := range ids {
		wanted[id] = true
	}
	for _, f := range features() {
		if wanted[f.id] || f.id == "veth" { // others sit on it
			p.Features[f.id] = outcomeOf(f.try(t))
		}
	}
	return p
}

// mapIDs makes the parent's ids those of this process in its user namespace.
func mapIDs(ids string) error {
	uid, gid, _ := strings.Cut(ids, ":")
	for _, f := range []struct{ name, text string }{
		{"setgroups", "deny"},
		{"uid_map", uid + " " + uid + " 1"},
		{"gid_map", gid + " " + gid + " 1"},
	} {
		if err := os.WriteFile("/proc/self/"+f.name, []byte(f.text), 0); err != nil {
			return err
		}
	}
	return nil
}

// mounts tries what every lab's world is made of.
func (p *probed) mounts() {
	err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
	if err == nil {
		err = unix.Mount("tmpfs", scratch, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "size=1m")
	}
	if p.Tmpfs = outcomeOf(err); err != nil {
		p.Proc, p.ReadOnly = p.Tmpfs, p.Tmpfs
		return
	}
	proc := scratch + "/proc"
	if err = os.Mkdir(proc, 0o700); err == nil {
		err = unix.Mount("proc", proc, "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
	}
	p.Proc = outcomeOf(err)
	ro := scratch + "/ro"
	if err = os.Mkdir(ro, 0o700); err == nil {
		err = unix.Mount("tmpfs", ro, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "size=4k")
	}
	if err == nil {
		err = unix.MountSetattr(unix.AT_FDCWD, ro, 0, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY})
	}
	p.ReadOnly = outcomeOf(err)
}

// readProbed reads what the child prints.
func readProbed(r io.Reader) (probed, error) {
	var p probed
	text := new(strings.Builder)
	err := json.NewDecoder(io.TeeReader(io.LimitReader(r, maxProbed), text)).Decode(&p)
	if err == nil && p.Features == nil {
		err = errors.New("features are missing")
	}
	if err != nil {
		return p, fmt.Errorf("it printed %.120q: %w", text.String(), err)
	}
	return p, nil
}
