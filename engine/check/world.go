// Package check decides whether a lab's tasks are done: it evaluates what the
// author asked for against snapshots of the kernel and against probes, and says
// for each failure what was seen, what was wanted and the likely reason.
//
// The package neither reads the kernel nor sends traffic: it does both through
// a World. It does not know how often it is run or who reads what it finds.
package check

import (
	"context"

	"underlay/engine"
	"underlay/engine/observe"
	"underlay/engine/probe"
)

// World is the running lab as checks see it. All methods may be called from
// several goroutines at once. An error means that the question could not be
// put (the check is then broken, which is not held against the learner); bad
// news from the lab is an answer, not an error. The one exception: a method
// given the name of a node that does not exist returns an error that wraps
// engine.ErrNotFound, and the check fails.
type World interface {
	// Snapshot reads these facets of these nodes (nil: of all), keyed by node
	// name. sysctls are the dotted names to read for the Sysctls facet; one
	// that the kernel does not have is left out of State.Sysctls. A node that
	// does not exist is left out of the map. State.Inode is always set. A facet
	// that could not be read has its error in State.Errs.
	Snapshot(ctx context.Context, nodes []string, what observe.Facet, sysctls []string) (map[string]observe.State, error)

	// Probe sends one attempt. r.From.Name names the node and r.Wait is set;
	// the World fills in the rest: the namespace, and the files that names are resolved by.
	Probe(ctx context.Context, r probe.Request) (probe.Outcome, error)

	// DNS asks for the whole name in node from, once. server is an address or "";
	// with "" it is the first in the node's resolv.conf.
	DNS(ctx context.Context, from, server, name, typ string) (DNSAnswer, error)

	// Resolve looks up r.To as programs of the node do. r.From.Name names the node and
	// r.Wait is set; the World fills in the rest, as for Probe.
	Resolve(ctx context.Context, r probe.Request) (probe.Lookup, error)

	// Capture watches dev in node while it calls during, once the capture is
	// armed, and returns one line for each packet that matches filter. The
	// error of during is joined to its own.
	Capture(ctx context.Context, node, dev, filter string, during func(context.Context) error) (seen []string, err error)

	// Flows calls during and returns the flows that node's connection tracking has begun
	// meanwhile, whoever sent them. The error of during is joined to its own.
	Flows(ctx context.Context, node string, during func(context.Context) error) ([]observe.Flow, error)

	// RouteGet returns the kernel's own decision for a packet to the address
	// to; from is its source address, "" for none.
	RouteGet(ctx context.Context, node, to, from string) (RouteDecision, error)

	// Objects lists the objects of a kind ("service") in a namespace of the lab's
	// cluster; nodes and namespaces are in none.
	Objects(ctx context.Context, kind, namespace string) ([]Object, error)
}

// DNSAnswer is what a name server said.
type DNSAnswer struct {
	Server string   // that was asked; "" if there is none to ask
	Rcode  string   // NOERROR, NXDOMAIN …; "" if no server answered
	Values []string // addresses or names of the asked type

	// If no server answered: how the attempt ended and in what words, as in
	// "no answer from 10.0.0.2 in 600 ms".
	Ended  engine.Expect
	Detail string
}

// RouteDecision is what the kernel does with a packet.
type RouteDecision struct {
	Unreachable bool
	Reason      string // if unreachable: "no route to host", "blackhole route"; "" if not known
	Via         string // next hop; "" if the destination is directly connected
	Dev         string // device the packet leaves by
	Src         string // source address the kernel chooses
}
