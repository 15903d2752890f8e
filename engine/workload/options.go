package workload

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"underlay/engine"
)

// options is a parsed command line.
type options struct {
	kind    string
	name    string
	listen  string
	records map[string][]netip.Addr
	readyFD int
}

// defaultListen says where each kind listens unless told otherwise.
func defaultListen(kind string) (string, bool) {
	switch kind {
	case "http":
		return ":80", true
	case "tcp", "udp":
		return ":7", true
	case "dns":
		return ":53", true
	}
	return "", false
}

// Args returns the command line with which Main runs w. readyFD is the number
// of the descriptor in the child, negative for none.
func Args(w engine.Workload, readyFD int) []string {
	args := []string{w.Kind}
	name := w.Name
	if name == "" {
		name = w.Node
	}
	if name != "" {
		args = append(args, "--name", name)
	}
	if w.Listen != "" {
		args = append(args, "--listen", w.Listen)
	}
	for _, host := range slices.Sorted(maps.Keys(w.Records)) {
		args = append(args, "--record", host+"="+strings.Join(w.Records[host], ","))
	}
	if readyFD >= 0 {
		args = append(args, "--ready-fd", strconv.Itoa(readyFD))
	}
	return args
}

// parse reads a command line.
func parse(args []string) (options, error) {
	o := options{records: map[string][]netip.Addr{}, readyFD: -1}
	if len(args) == 0 {
		return o, errors.New("which kind? one of http, tcp, udp, dns")
	}
	o.kind = args[0]
	listen, known := defaultListen(o.kind)
	if !known {
		return o, fmt.Errorf("unknown kind %q: one of http, tcp, udp, dns", o.kind)
	}
	f := flag.NewFlagSet(o.kind, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&o.name, "name", "", "what the server calls itself")
	f.StringVar(&o.listen, "listen", listen, "[ADDR]:PORT")
	f.IntVar(&o.readyFD, "ready-fd", -1, "descriptor to write to once listening")
	f.Func("record", "NAME=ADDR[,ADDR]", o.addRecord)
	if err := f.Parse(args[1:]); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	if len(o.records) > 0 && o.kind != "dns" {
		return o, fmt.Errorf("--record is for dns, not for %s", o.kind)
	}
	if o.name == "" {
		o.name = hostname(o.kind)
	}
	return o, nil
}

func (o *options) addRecord(s string) error {
	name, list, ok := strings.Cut(s, "=")
	if !ok || name == "" {
		return errors.New("want NAME=ADDR[,ADDR]")
	}
	key := canonical(name)
	for text := range strings.SplitSeq(list, ",") {
		addr, err := netip.ParseAddr(strings.TrimSpace(text))
		if err != nil {
			return fmt.Errorf("record %s: %w", name, err)
		}
		o.records[key] = append(o.records[key], addr)
	}
	return nil
}

// hostname is the node's own name, or other if the kernel does not tell.
func hostname(other string) string {
	if name, err := os.Hostname(); err == nil && name != "" {
		return name
	}
	return other
}
