package preflight

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// machine is what the findings are drawn from.
type machine struct {
	root    fs.FS  // the machine's files, /proc among them
	release string // of the kernel: "6.1.0-18-amd64"
	uid     int
	user    string
	env     func(string) string
	look    func(tool string) (path string)
	// companion finds a program of Underlay's own.
	companion func(name string) (path string)
	building  func() string // how far they are, if somebody builds them
	ask       func(ctx context.Context, features []string) (probed, error)
}

// file returns a small file's trimmed text, or "".
func (m *machine) file(path string) string {
	b, err := fs.ReadFile(m.root, path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// asRoot is a command line as this user has to type it.
func (m *machine) asRoot(command string) string {
	if m.uid == 0 {
		return command
	}
	return "sudo " + command
}

// inContainer says whether this is inside Docker, Podman or the like.
func (m *machine) inContainer() bool {
	for _, mark := range []string{".dockerenv", "run/.containerenv"} {
		if _, err := fs.Stat(m.root, mark); err == nil {
			return true
		}
	}
	return m.env("container") != "" || m.env("KUBERNETES_SERVICE_HOST") != ""
}

// status is a field of this process's status, or "".
func (m *machine) status(field string) string {
	for line := range strings.Lines(m.file("proc/self/status")) {
		if rest, ok := strings.CutPrefix(line, field+":"); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

// may says whether this process has a capability.
func (m *machine) may(capability int) bool {
	caps, err := strconv.ParseUint(m.status("CapEff"), 16, 64)
	return err == nil && caps>>capability&1 == 1
}

// version is the kernel's, as two numbers; zeros if its release has none.
func (m *machine) version() (major, minor int) {
	if _, err := fmt.Sscanf(m.release, "%d.%d", &major, &minor); err != nil {
		return 0, 0
	}
	return major, minor
}

func (m *machine) atLeast(major, minor int) bool {
	a, b := m.version()
	return a > major || a == major && b >= minor
}

// hasModule says whether the kernel's packages on this machine include a module.
func (m *machine) hasModule(name string) bool {
	b, err := fs.ReadFile(m.root, "lib/modules/"+m.release+"/modules.dep")
	return err == nil && bytes.Contains(bytes.ReplaceAll(b, []byte("-"), []byte("_")), []byte("/"+strings.ReplaceAll(name, "-", "_")+".ko"))
}

// isUbuntu says whether this is Ubuntu, which ships rarer modules apart.
func (m *machine) isUbuntu() bool {
	for line := range strings.Lines(m.file("etc/os-release")) {
		if id, ok := strings.CutPrefix(strings.TrimSpace(line), "ID="); ok {
			return strings.Trim(id, `"`) == "ubuntu"
		}
	}
	return false
}

func kernelRelease() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return ""
	}
	return unix.ByteSliceToString(u.Release[:])
}

func thisMachine(p *prober) *machine {
	m := &machine{
		root: os.DirFS("/"), release: kernelRelease(), uid: os.Getuid(), env: os.Getenv,
		look: lookTool, companion: Companion, building: buildingBeside, ask: p.ask,
	}
	m.user = strconv.Itoa(m.uid)
	for line := range strings.Lines(m.file("etc/passwd")) {
		if f := strings.Split(line, ":"); len(f) > 2 && f[2] == m.user {
			m.user = f[0]
			break
		}
	}
	return m
}
