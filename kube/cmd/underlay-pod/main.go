// Underlay-pod is what runs in pods and for them: their first process, the
// workloads of built-in images, and CNI plugins. Which of these it is, the name
// by which it is called says, or the first argument.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"underlay/kube/cni/plugin"
	"underlay/kube/pod/podinit"
	"underlay/kube/workload"
)

func main() {
	os.Exit(run(filepath.Base(os.Args[0]), os.Args[1:]))
}

func run(name string, args []string) int {
	if plugin.Known(name) {
		plugin.Main(name)
		return 0
	}
	if workload.Known(name) {
		return workload.Main(name, args)
	}
	switch {
	case len(args) == 2 && args[0] == "sandbox":
		if err := podinit.Sandbox(args[1]); err != nil {
			fmt.Fprintln(os.Stderr, "error: pod sandbox:", err)
			return 1
		}
		return 0
	case len(args) == 1 && args[0] == "container":
		return podinit.Container()
	}
	fmt.Fprintln(os.Stderr, "error: the kubelet starts underlay-pod, or a workload's or CNI plugin's name does")
	return 2
}
