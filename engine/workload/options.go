package workload

import (
	"cmp"
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
	"time"

	"underlay/engine"
	"underlay/engine/workload/zone"
)

// kinds are those of a workload, for messages.
const kinds = "http, https, tcp, udp, dns, relay"

// options is a parsed command line.
type options struct {
	kind    string
	name    string
	listen  string
	records map[string][]string // values by name
	zone    zone.Zone           // the records, read
	delay   time.Duration
	to      string
	udp     bool
	from    netip.Addr
	certs   []string
	readyFD int
}

// defaultListen says where each kind listens unless told otherwise.
func defaultListen(kind string) (string, bool) {
	switch kind {
	case "http":
		return ":80", true
	case "https":
		return ":443", true
	case "tcp", "udp":
		return ":7", true
	case "dns":
		return ":53", true
	case "relay":
		return ":8080", true
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
		for _, value := range w.Records[host] {
			args = append(args, "--record", host+"="+value)
		}
	}
	if w.Delay > 0 {
		args = append(args, "--delay", w.Delay.String())
	}
	if w.To != "" {
		args = append(args, "--to", w.To)
	}
	if w.Protocol == "udp" {
		args = append(args, "--udp")
	}
	if w.AnswersFrom != "" {
		args = append(args, "--answers-from", w.AnswersFrom)
	}
	for i := range w.Certs {
		args = append(args, "--cert", CertFile(w, i))
	}
	if readyFD >= 0 {
		args = append(args, "--ready-fd", strconv.Itoa(readyFD))
	}
	return args
}

// CertFile is where the key and the certificates of a server's i-th certificate are.
func CertFile(w engine.Workload, i int) string {
	port := w.Listen[strings.LastIndexByte(w.Listen, ':')+1:]
	return fmt.Sprintf("/etc/ssl/private/%s-%s-%d.pem", w.Node, cmp.Or(port, "443"), i+1)
}

// parse reads a command line.
func parse(args []string) (options, error) {
	o := options{records: map[string][]string{}, zone: zone.Zone{}, readyFD: -1}
	if len(args) == 0 {
		return o, errors.New("which kind? one of " + kinds)
	}
	o.kind = args[0]
	listen, known := defaultListen(o.kind)
	if !known {
		return o, fmt.Errorf("unknown kind %q: one of %s", o.kind, kinds)
	}
	f := flag.NewFlagSet(o.kind, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&o.name, "name", "", "what the server calls itself")
	f.StringVar(&o.listen, "listen", listen, "[ADDR]:PORT")
	f.IntVar(&o.readyFD, "ready-fd", -1, "descriptor to write to once listening")
	f.DurationVar(&o.delay, "delay", 0, "time before each answer of dns")
	f.StringVar(&o.to, "to", "", "ADDR:PORT that a relay leads to")
	f.BoolVar(&o.udp, "udp", false, "relay UDP, not TCP")
	f.Func("answers-from", "ADDR that answers of udp come from", func(s string) (err error) {
		o.from, err = netip.ParseAddr(s)
		return err
	})
	f.Func("cert", "file with the key and certificate of https", func(s string) error {
		o.certs = append(o.certs, s)
		return nil
	})
	f.Func("record", "NAME=VALUE", o.addRecord)
	if err := f.Parse(args[1:]); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	if (len(o.records) > 0 || o.delay != 0) && o.kind != "dns" {
		return o, fmt.Errorf("--record and --delay are for dns, not for %s", o.kind)
	}
	if (o.to != "" || o.udp) != (o.kind == "relay") {
		return o, fmt.Errorf("--to is what a relay needs, and what only a relay has; this is %s", o.kind)
	}
	if (len(o.certs) > 0) != (o.kind == "https") {
		return o, fmt.Errorf("--cert is what https needs, and what only https has; this is %s", o.kind)
	}
	if o.from.IsValid() && o.kind != "udp" {
		return o, fmt.Errorf("--answers-from is for udp, not for %s", o.kind)
	}
	for name, values := range o.records {
		var err error
		if o.zone[zone.Canonical(name)], err = zone.Parse(name, values); err != nil {
			return o, fmt.Errorf("record %s: %w", name, err)
		}
	}
	if o.name == "" {
		o.name = hostname(o.kind)
	}
	return o, nil
}

func (o *options) addRecord(s string) error {
	name, value, ok := strings.Cut(s, "=")
	if !ok || name == "" {
		return errors.New("want NAME=VALUE")
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	o.records[name] = append(o.records[name], value)
	return nil
}

// hostname is the node's own name, or other if the kernel does not tell.
func hostname(other string) string {
	if name, err := os.Hostname(); err == nil && name != "" {
		return name
	}
	return other
}
