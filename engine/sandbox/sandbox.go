package sandbox

import (
	"context"
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/netns"
	"underlay/engine/pid1"
	"underlay/engine/seqpacket"
)

// InitName is argv[0] of a world's init: main calls InitMain when it finds
// itself started under this name.
const InitName = "underlay-init"

// Sandbox makes worlds. It belongs to the app layer.
type Sandbox struct {
	id  identity
	exe string
}

// New prepares the app layer itself: mounts of its own and a /proc that shows
// its own processes.
func New() (*Sandbox, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if err := pid1.PrivateMounts(); err != nil {
		return nil, err
	}
	if err := pid1.MountProc(); err != nil {
		return nil, err
	}
	return &Sandbox{id: currentIdentity(), exe: exe}, nil
}

// Tool is a program that a world has on its PATH besides the machine's.
type Tool struct {
	Name string // in the world
	Path string // on the machine
}

// NewWorld starts an empty world that has these tools. It lives until Close,
// until its init is killed, or until this process ends.
func (s *Sandbox) NewWorld(ctx context.Context, tools ...Tool) (*World, error) {
	ours, theirs, err := seqpacket.Pair(maxMessage)
	if err != nil {
		return nil, err
	}
	st := &stage{id: s.id, exe: s.exe, home: worldHome(), extra: tools}
	// The thread's root and mounts become the world's: it cannot be given back.
	r, err := netns.Thread(func() (startedInit, error) { return st.startInit(theirs) })
	err = errors.Join(err, theirs.Close())
	if err != nil {
		return nil, errors.Join(err, ours.Close())
	}
	w := newWorld(ours, r.process, st.home, r.files)
	w.fillEtc(r.files.etc, s.id)
	if err := w.waitReady(ctx); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

type startedInit struct {
	process *os.Process
	files   stageFiles
}

// startInit builds the world's tree and starts its init in it.
func (s *stage) startInit(socket *os.File) (r startedInit, err error) {
	if r.files, err = s.build(); err != nil {
		return r, err
	}
	uids, gids := s.id.worldMappings()
	caps, err := allCapabilities()
	if err != nil {
		return startedInit{}, errors.Join(err, r.files.close())
	}
	attr := &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWNET |
			unix.CLONE_NEWUTS | unix.CLONE_NEWIPC,
		UidMappings: uids, GidMappings: gids,
		GidMappingsEnableSetgroups: s.id.root,
		Setsid:                     true,
	}
	if s.id.root {
		attr.Credential = &syscall.Credential{Uid: 0, Gid: 0}
	} else {
		attr.AmbientCaps = caps
	}
	r.process, err = os.StartProcess(toolDir+"/bin/underlay", []string{InitName}, &os.ProcAttr{
		Dir:   "/",
		Env:   []string{"HOME=" + s.home},
		Files: []*os.File{nil, nil, os.Stderr, socket},
		Sys:   attr,
	})
	if err != nil {
		return startedInit{}, errors.Join(explainClone(err), r.files.close())
	}
	return r, nil
}
