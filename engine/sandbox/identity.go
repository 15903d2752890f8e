package sandbox

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// When the program runs as root, ids 0…65535 of a world are these ids of the
// machine. The range begins where systemd's range for containers (524288 to
// 1879048191) ends, and below it no distribution hands out subordinate ids.
const (
	worldIDBase  = 1879048192
	worldIDCount = 65536
)

// identity says who a world's root-equivalent is, inside and on the machine.
type identity struct {
	root bool // the program runs as root
	uid  int  // of files in a world, as the machine sees it
	gid  int
}

func currentIdentity() identity {
	if os.Getuid() == 0 {
		return identity{root: true, uid: worldIDBase, gid: worldIDBase}
	}
	return identity{uid: os.Getuid(), gid: os.Getgid()}
}

// worldMappings maps the ids of a world's user namespace.
func (id identity) worldMappings() (uids, gids []syscall.SysProcIDMap) {
	if id.root {
		m := []syscall.SysProcIDMap{{ContainerID: 0, HostID: worldIDBase, Size: worldIDCount}}
		return m, m
	}
	return selfMappings()
}

// selfMappings maps the current uid and gid to themselves. With uid 0 mapped
// instead, stock tcpdump would try to become its own user and die.
func selfMappings() (uids, gids []syscall.SysProcIDMap) {
	uid, gid := os.Getuid(), os.Getgid()
	return []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}},
		[]syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}}
}

// fileOwner turns the owner of a file on the machine into the owner its copy
// has in a world.
func (id identity) fileOwner(uid, gid uint32) (int, int) {
	if !id.root {
		return id.uid, id.gid
	}
	shift := func(n uint32) int {
		if n < worldIDCount {
			return worldIDBase + int(n)
		}
		return worldIDBase
	}
	return shift(uid), shift(gid)
}

// allCapabilities lists every capability this kernel knows, to be raised as
// ambient so that they survive exec under an ordinary uid.
func allCapabilities() ([]uintptr, error) {
	const path = "/proc/sys/kernel/cap_last_cap"
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	last, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	caps := make([]uintptr, 0, last+1)
	for c := 0; c <= last; c++ {
		caps = append(caps, uintptr(c))
	}
	return caps, nil
}
