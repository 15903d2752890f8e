package sandbox

import (
	"fmt"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/sys/unix"
)

// SudoName is argv[0] of the sudo of a world.
const SudoName = "sudo"

// WorkloadName begins argv[0] of a workload: main calls workload.Main for it.
const WorkloadName = "underlay-workload"

// SudoMain is a sudo that just runs its arguments: in a world the learner may do
// everything, and people type it. It returns only on failure.
func SudoMain(args []string) int {
	env, args, shell := parseSudo(args[1:])
	if len(args) == 0 {
		if !shell {
			fmt.Fprintln(os.Stderr, "sudo: this lab's sudo just runs a command: sudo COMMAND [ARG …]. You need none here.")
			return 1
		}
		args = []string{"bash"}
	}
	path, err := exec.LookPath(args[0])
	if err != nil {
		fmt.Fprintf(os.Stderr, "sudo: %s: command not found\n", args[0])
		return 1
	}
	if err := unix.Exec(path, args, append(os.Environ(), env...)); err != nil {
		fmt.Fprintf(os.Stderr, "sudo: %s: %v\n", args[0], err)
	}
	return 1
}

// parseSudo skips sudo's own options and takes VAR=value words.
func parseSudo(args []string) (env, rest []string, shell bool) {
	for len(args) > 0 {
		a := args[0]
		switch {
		case a == "--":
			return env, args[1:], shell
		case a == "-i" || a == "-s" || a == "--login" || a == "--shell":
			shell = true
		case a == "-u" || a == "-g" || a == "-p" || a == "-C" || a == "-h" || a == "-r" || a == "-t":
			if len(args) > 1 {
				args = args[1:]
			}
		case strings.HasPrefix(a, "-"):
		case strings.Contains(a, "=") && !strings.HasPrefix(a, "="):
			env = append(env, a)
		default:
			return env, args, shell
		}
		args = args[1:]
	}
	return env, nil, shell
}
