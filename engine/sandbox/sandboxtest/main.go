// Package sandboxtest runs tests where the program runs its engine: in the app
// layer, inside namespaces.
package sandboxtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"underlay/engine/sandbox"
	"underlay/engine/workload"
)

// Main is for TestMain: os.Exit(sandboxtest.Main(m)). The test binary runs
// itself again in namespaces of its own, as the program does, and also plays
// the parts that the program's binary plays in a lab: init, sudo, workloads.
func Main(m *testing.M) int {
	switch name := filepath.Base(os.Args[0]); {
	case name == sandbox.InitName:
		return sandbox.InitMain()
	case name == sandbox.SudoName:
		return sandbox.SudoMain(os.Args)
	case strings.HasPrefix(name, sandbox.WorkloadName):
		return workload.Main(os.Args[1:])
	case name == sandbox.AppName:
		return m.Run()
	}
	code, err := sandbox.Outer(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}
