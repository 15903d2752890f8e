// Underlay-kube is a Kubernetes whose nodes and pods are network namespaces.
// Its first argument, or the name it is called by, says which part of it runs.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
	"k8s.io/klog/v2"

	"underlay/engine/companion"
	"underlay/kube/bgp"
	"underlay/kube/cluster"
	"underlay/kube/dns"
	"underlay/kube/internal/netns"
	"underlay/kube/kubectl"
)

const usage = `usage: underlay-kube cluster --config FILE   run a cluster; with --standby only its
                                             API server, until SIGUSR1 has FILE read again
       underlay-kube dns --corefile FILE     serve DNS
       underlay-kube bgp                     announce routes, as standard input says
       underlay-kube kubectl …               kubectl, also by that name
`

// Goroutines that change their network namespace end their thread. If that
// were the main thread, the process would seem to be in their namespace.
func init() { runtime.LockOSThread() }

func main() { os.Exit(run(time.Now())) }

func run(start time.Time) int {
	if filepath.Base(os.Args[0]) == "kubectl" {
		return kubectl.Main()
	}
	if len(os.Args) < 2 {
		fmt.Fprint(os.Stderr, usage)
		return 2
	}
	role := os.Args[1]
	if role == "kubectl" {
		os.Args = os.Args[1:]
		return kubectl.Main()
	}
	flags := flag.NewFlagSet(role, flag.ContinueOnError)
	flags.Usage = func() { fmt.Fprint(os.Stderr, usage) }
	var err error
	switch role {
	case "cluster":
		config, standby := flags.String("config", "", ""), flags.Bool("standby", false, "")
		if flags.Parse(os.Args[2:]) != nil {
			return 2
		}
		err = runCluster(*config, *standby, start)
	case "dns":
		corefile := flags.String("corefile", "", "")
		if flags.Parse(os.Args[2:]) != nil {
			return 2
		}
		debug.SetGCPercent(restGC)
		err = dns.Run(*corefile)
	case "bgp":
		ctx, stop := signals()
		defer stop()
		err = bgp.Main(ctx, os.Stdin, os.Stdout)
	default:
		fmt.Fprint(os.Stderr, usage)
		return 2
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		return 1
	}
	return 0
}

// RunCluster runs a cluster until it is told to end.
func runCluster(path string, standby bool, start time.Time) error {
	config, err := cluster.Load(path)
	if err != nil {
		return err
	}
	if start, err = enter(config.Control.Node, start); err != nil {
		return err
	}
	ctx, stop := signals()
	defer stop()
	if err := logTo(config.Dir); err != nil {
		return err
	}
	opened := func() {
		debug.SetGCPercent(restGC)
		debug.FreeOSMemory() // what opening took
	}
	return cluster.Run(ctx, config, cluster.NewProgress(reports(), start), told(standby, path), opened)
}

// Told returns, for a cluster that stands by, what waits for SIGUSR1 and then reads
// the config again; nil for one that does not.
func told(standby bool, path string) func(context.Context) (companion.Config, error) {
	if !standby {
		return nil
	}
	again := make(chan os.Signal, 1)
	signal.Notify(again, unix.SIGUSR1)
	return func(ctx context.Context) (companion.Config, error) {
		select {
		case <-again:
			return cluster.Load(path)
		case <-ctx.Done():
			return companion.Config{}, context.Cause(ctx)
		}
	}
}

// RestGC is how much garbage may pile up in what runs for long, in percent of
// what is in use. While a cluster opens it is Go's default, because time is
// dearer then.
const restGC = 30

// Signals returns a context that ends when the process is told to.
func signals() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), os.Interrupt, unix.SIGTERM)
}

// Entered is in the environment of a program that began anew: when the first
// one began, in nanoseconds of the Unix epoch.
const entered = "UNDERLAY_KUBE_ENTERED"

// Enter sees to it that the whole process is in the control node's network
// namespace. Threads that Go started before are not; so, if it was started
// elsewhere, the program begins anew from there. It returns when the first one
// began, which start is if there was no other.
func enter(node string, start time.Time) (time.Time, error) {
	path := netns.Path(node)
	inside, err := netns.Inside(path)
	if err != nil {
		return start, err
	}
	if began, err := strconv.ParseInt(os.Getenv(entered), 10, 64); err == nil {
		start = time.Unix(0, began)
	}
	if inside {
		return start, os.Unsetenv(entered)
	}
	file, err := os.Open(path)
	if err != nil {
		return start, err
	}
	if err := unix.Setns(int(file.Fd()), unix.CLONE_NEWNET); err != nil {
		return start, fmt.Errorf("enter network namespace %s: %w", node, err)
	}
	self, err := os.Executable()
	if err != nil {
		return start, err
	}
	return start, unix.Exec(self, os.Args, append(os.Environ(), fmt.Sprintf("%s=%d", entered, start.UnixNano())))
}

// Reports is where progress is told: ReportsFD if whoever started the program
// passed a pipe, a socket or a terminal there.
func reports() io.Writer {
	var status unix.Stat_t
	if unix.Fstat(companion.ReportsFD, &status) != nil {
		return os.Stdout
	}
	switch status.Mode & unix.S_IFMT {
	case unix.S_IFIFO, unix.S_IFSOCK, unix.S_IFCHR:
		unix.CloseOnExec(companion.ReportsFD) // or pods would keep the reader waiting for an end
		return os.NewFile(companion.ReportsFD, "progress")
	}
	return os.Stdout // it is a file that Go has open
}

// LogTo sends what Kubernetes logs to DIR/cluster.log, each message once.
func logTo(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(dir, "cluster.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	flags := flag.NewFlagSet("log", flag.ContinueOnError)
	klog.InitFlags(flags)
	for name, value := range map[string]string{"logtostderr": "false", "stderrthreshold": "FATAL", "one_output": "true"} {
		if err := flags.Set(name, value); err != nil {
			return err
		}
	}
	klog.SetOutput(file)
	return nil
}
