package workload

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"underlay/engine/workload/server"
)

// Main runs the workload of this name and returns the process's exit code: 0
// when it was asked to end, 1 when it failed, 2 when args are wrong.
func Main(name string, args []string) int {
	server.Frugal()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	var err error
	switch name {
	case "http", "tcp", "udp":
		err = serveMain(ctx, name, args)
	case "stubborn":
		err = serveMain(context.Background(), "http", args)
	case "pause":
		<-ctx.Done()
	case "toolbox":
		err = toolbox(ctx)
	case "crasher":
		return crasher(ctx, args)
	default:
		err = fmt.Errorf("unknown workload %q", name)
	}
	return server.Exit(name, err)
}

// options are the arguments of a server.
type options struct {
	name       string
	ports      []uint16
	startAfter time.Duration // it listens only then
	readyAfter time.Duration // /readyz is 503 before
	healthyFor time.Duration // /healthz is 500 after; 0 is for ever
}

func parse(kind string, args []string) (options, error) {
	o := options{}
	f := flag.NewFlagSet(kind, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&o.name, "name", hostname(), "what the server calls itself")
	f.Func("port", "port to listen on; may be repeated", o.addPort)
	f.DurationVar(&o.startAfter, "start-after", 0, "listen only after this time")
	if kind == "http" {
		f.DurationVar(&o.readyAfter, "ready-after", 0, "/readyz answers 503 before this time")
		f.DurationVar(&o.healthyFor, "healthy-for", 0, "/healthz answers 500 after this time; 0 is never")
	}
	if err := f.Parse(args); err != nil {
		return o, server.Usage(err)
	}
	if f.NArg() > 0 {
		return o, server.Usage(fmt.Errorf("unexpected argument %q", f.Arg(0)))
	}
	if len(o.ports) == 0 {
		o.ports = []uint16{map[string]uint16{"http": 80}[kind]}
		if kind != "http" {
			o.ports[0] = 7
		}
	}
	return o, nil
}

func (o *options) addPort(list string) error {
	for text := range strings.SplitSeq(list, ",") {
		ap, err := netip.ParseAddrPort("0.0.0.0:" + text)
		if err != nil || ap.Port() == 0 {
			return fmt.Errorf("%q is not a port", text)
		}
		o.ports = append(o.ports, ap.Port())
	}
	return nil
}

// serveMain listens and serves until ctx ends.
func serveMain(ctx context.Context, kind string, args []string) error {
	o, err := parse(kind, args)
	if err != nil {
		return err
	}
	if !wait(ctx, o.startAfter) {
		return nil
	}
	served := make(chan error, len(o.ports))
	var servers []server.Server
	for _, port := range o.ports {
		s, err := listen(kind, o, fmt.Sprintf(":%d", port))
		if err != nil {
			return err
		}
		servers = append(servers, s)
		go func() { served <- s.Serve() }()
		fmt.Printf("%s: %s listens on port %d\n", o.name, kind, port)
	}
	select {
	case err = <-served:
	case <-ctx.Done():
		fmt.Printf("%s: asked to end\n", o.name)
	}
	for _, s := range servers {
		err = errors.Join(err, s.Close())
	}
	return err
}

func listen(kind string, o options, addr string) (server.Server, error) {
	switch kind {
	case "http":
		return server.ListenHTTP(addr, httpHandler(o, time.Now()))
	case "tcp":
		return server.ListenTCP(o.name, addr)
	}
	return server.ListenUDP(o.name, addr)
}

// wait returns false if ctx ended first.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// hostname is the pod's name.
func hostname() string {
	name, err := os.Hostname()
	if err != nil || name == "" {
		return "a pod without a name"
	}
	return name
}
