package autopsy

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"underlay/engine"
	"underlay/engine/observe"
	"underlay/engine/probe"
)

// Trace sends the flow once and says how it ended and why. The error is for what
// could not be found out at all: a flow that makes no sense, a node that is not
// there, ctx ending first. That nobody answered is a Report.
//
// When ctx ends it returns within milliseconds, and uses nothing of instance any more;
// the kernel may take some more to let go of its sockets and tables.
func Trace(ctx context.Context, instance Instance, flow Flow) (*Report, error) {
	start := time.Now()
	if !slices.ContainsFunc(instance.Nodes, func(n observe.Node) bool { return n.Name == flow.From }) {
		return nil, fmt.Errorf("trace from %q: node %w", flow.From, engine.ErrNotFound)
	}
	r, err := trace(ctx, instance, flow, fence)
	if err != nil {
		return nil, fmt.Errorf("trace %s: %w", flow, err)
	}
	r.TookMS = float64(time.Since(start).Microseconds()) / 1000
	return r, nil
}

// TraceAsked is Trace for somebody who may call a node by its name: where the name of the
// flow's destination cannot be looked up and is a node's, the flow goes to that node's address.
func TraceAsked(ctx context.Context, instance Instance, flow Flow) (*Report, error) {
	r, err := Trace(ctx, instance, flow)
	if err != nil || r.Verdict.Reason != ReasonNoDNS && r.Verdict.Reason != ReasonNoName {
		return r, err
	}
	if !slices.ContainsFunc(instance.Nodes, func(n observe.Node) bool { return n.Name == flow.To }) {
		return r, nil
	}
	addr, err := addressFor(instance, flow.From, flow.To)
	if err != nil {
		return nil, err
	}
	if !addr.IsValid() {
		r.Detail = flow.To + " has no address"
		r.Verdict = say("no-address", spot{node: flow.To}, args{})
		return r, nil
	}
	to := flow
	to.To = addr.String()
	if r, err = Trace(ctx, instance, to); err == nil {
		r.Flow = flow
	}
	return r, err
}

// addressFor is the address by which a node calls another: one on a network of its own if there
// is one, else the first, invalid if there is none.
func addressFor(instance Instance, from, to string) (best netip.Addr, err error) {
	states, err := instance.Reader.Snapshot([]string{from, to}, observe.Addrs, nil)
	if err != nil {
		return best, err
	}
	for _, a := range states[1].Addrs {
		addr := a.Prefix.Addr()
		if addr.IsLoopback() || addr.IsLinkLocalUnicast() {
			continue
		}
		if !best.IsValid() || best.Is6() && addr.Is4() {
			best = addr
		}
		for _, near := range states[0].Addrs {
			if !near.Prefix.Addr().IsLoopback() && near.Prefix.Contains(addr) {
				return addr, nil
			}
		}
	}
	return best, nil
}

func trace(ctx context.Context, instance Instance, flow Flow, put fencer) (*Report, error) {
	addrs, failed, err := resolve(ctx, instance, flow, put)
	if err != nil || failed != nil {
		return failed, err
	}
	return followEach(ctx, instance, flow, addrs, put)
}

// attempt is what is sent for a flow.
type attempt struct {
	to      string
	payload []byte // udp: nil for one of our own
}

// follow sends the flow and follows it. It also returns how the sender saw it end.
func follow(ctx context.Context, instance Instance, flow Flow, a attempt, put fencer) (*Report, probe.Outcome, error) {
	sc := &scene{instance: instance}
	var err error
	if sc.before, err = take(instance, facetsBefore); err != nil {
		return nil, probe.Outcome{}, err
	}
	if err := ctx.Err(); err != nil {
		return nil, probe.Outcome{}, err
	}
	counted := make(chan struct{})
	go func() {
		defer close(counted)
		sc.count(ctx, sc.before) // while the kernel takes the tables, which is mostly waiting
	}()
	posts, err := watch(ctx, instance, protocols(transport(flow.Proto)), put)
	<-counted
	if err != nil {
		return nil, probe.Outcome{}, err
	}
	out, signature, err := send(ctx, instance, flow, a)
	if ctx.Err() != nil {
		return nil, probe.Outcome{}, leave(ctx, posts)
	}
	err = errors.Join(err, halt(posts))
	what := observe.Conntrack
	if out.Ended != engine.OK {
		what |= facetsAfter
	}
	if err == nil {
		sc.after, err = take(instance, what)
	}
	if err == nil && out.Ended != engine.OK {
		sc.count(ctx, sc.after)
	}
	if err = errors.Join(err, leave(ctx, posts)); err != nil {
		return nil, probe.Outcome{}, err
	}
	fs := sortOut(sc, flow.From, transport(flow.Proto), signature, posts)
	c := &examination{scene: sc, flights: fs, flow: flow, out: out, fenced: map[string]map[byte]bool{}}
	r := &Report{Flow: flow, Address: a.to, Detail: out.Detail}
	for _, p := range posts {
		c.fenced[p.node.Name] = p.fenced
		r.Blind = append(r.Blind, p.blind...)
		if p.lost {
			r.Blind = append(r.Blind, render("blind.overflow", args{Node: p.node.Name}))
			c.fenced[p.node.Name] = nil // what was not told may have happened all the same
		}
	}
	c.fill(r)
	r.Tracked = c.tracked(sc.after)
	return r, out, nil
}

// transport is the protocol that carries another.
func transport(proto string) string {
	if proto == "http" {
		return "tcp"
	}
	return proto
}

// send makes the attempt and returns by what its packets are known.
func send(ctx context.Context, instance Instance, flow Flow, a attempt) (out probe.Outcome, signature probe.Signature, err error) {
	i := slices.IndexFunc(instance.Nodes, func(n observe.Node) bool { return n.Name == flow.From })
	from := instance.Nodes[i]
	if a.payload == nil {
		a.payload = nonce()
	}
	out, err = probe.Do(ctx, probe.Request{
		From: probe.Node{Name: from.Name, NS: from.NS}, To: a.to, Port: flow.Port, Proto: flow.Proto, Host: flow.To,
		Wait: flow.Wait, Banner: -1, Payload: a.payload, Size: flow.Size, SPort: flow.SPort,
		Sending: func(t probe.Signature) { signature = t },
	})
	return out, signature, err
}
