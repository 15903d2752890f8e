package sandbox

import (
	"os"
	"os/exec"
	"strings"
)

// worldPath is where a world looks for programs: the tools of the system
// administrator are on everyone's PATH, and sudo is the world's own.
const worldPath = toolDir + "/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// ToolPath is where a world has a Tool.
func ToolPath(name string) string { return toolDir + "/bin/" + name }

// shellEnv is the environment of everything that runs in a world. Nothing of the
// machine's own is passed on but the language, the wish for no colour, and what
// the program says to itself.
func (w *World) shellEnv() []string {
	env := []string{
		"PATH=" + worldPath, "HOME=" + w.home, "TERM=xterm-256color", "COLORTERM=truecolor",
		"SHELL=/bin/bash", "UNDERLAY=1", "INPUTRC=" + toolDir + "/inputrc", "LESS=-R", "PAGER=less",
		"EDITOR=vim", "USER=" + userName(), "LOGNAME=" + userName(),
	}
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if name == "LANG" || name == "NO_COLOR" || strings.HasPrefix(name, "LC_") || strings.HasPrefix(name, "UNDERLAY_") {
			env = append(env, kv)
		}
	}
	return append(env, w.env...)
}

func userName() string {
	if os.Getuid() == 0 {
		return "root"
	}
	if name := os.Getenv("USER"); name != "" {
		return name
	}
	return "learner"
}

// shellArgv is the learner's shell: bash with the world's own start-up file, or
// whatever sh is.
func shellArgv() []string {
	if bash, err := exec.LookPath("bash"); err == nil {
		return []string{bash, "--rcfile", toolDir + "/bashrc", "-i"}
	}
	return []string{"/bin/sh", "-i"}
}
