package podinit

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"underlay/kube/pod"
)

// Container is the main function of a process that becomes a container's
// command. It returns only if that fails; the sandbox is told why.
func Container() int {
	unix.CloseOnExec(errorFD)
	failure := os.NewFile(errorFD, "failure")
	err := becomeContainer()
	if failure != nil {
		_, _ = failure.WriteString(err.Error()) // the sandbox may have gone
	}
	return 1
}

func becomeContainer() error {
	unix.CloseOnExec(specFD)
	spec := os.NewFile(specFD, "spec")
	if spec == nil {
		return errors.New("no description of the container")
	}
	var p pod.Process
	if err := json.NewDecoder(spec).Decode(&p); err != nil {
		return fmt.Errorf("read the container's description: %w", err)
	}
	if err := makeRoot(p); err != nil {
		return err
	}
	dir := p.Dir
	if dir == "" {
		dir = "/"
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("working directory: %w", err)
	}
	if err := os.Chdir(dir); err != nil {
		return fmt.Errorf("working directory: %w", err)
	}
	file, err := lookPath(p.Argv[0], p.Env)
	if err != nil {
		return err
	}
	return fmt.Errorf("exec: %q: %w", p.Argv[0], unix.Exec(file, p.Argv, p.Env))
}

// lookPath finds a program as a shell with this environment would.
func lookPath(name string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		if err := executable(name); err != nil {
			return "", fmt.Errorf("exec: %q: %w", name, err)
		}
		return name, nil
	}
	for _, kv := range env {
		list, ok := strings.CutPrefix(kv, "PATH=")
		if !ok {
			continue
		}
		for dir := range strings.SplitSeq(list, ":") {
			if file := path.Join(dir, name); executable(file) == nil {
				return file, nil
			}
		}
	}
	return "", fmt.Errorf("exec: %q: executable file not found in $PATH", name)
}

func executable(file string) error {
	fi, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("no such file or directory")
	}
	if err != nil {
		return err
	}
	if fi.IsDir() || fi.Mode()&0o111 == 0 {
		return errors.New("permission denied")
	}
	return nil
}
