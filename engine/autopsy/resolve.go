package autopsy

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/netip"
	"strings"

	"github.com/miekg/dns"

	"underlay/engine"
	"underlay/engine/observe"
	"underlay/engine/probe"
)

// nonce is a line that no other packet carries. Twelve bytes of it are what a
// trace gives.
func nonce() []byte {
	return append([]byte(strings.ToLower(rand.Text()[:12])), " underlay\n"...)
}

// followEach follows the flow to each of a name's addresses in turn until one answers, as
// clients try to connect; other protocols have only the first. If none does, the report
// is that of the first.
func followEach(ctx context.Context, instance Instance, flow Flow, addrs []netip.Addr, put fencer) (*Report, error) {
	first, _, err := follow(ctx, instance, flow, attempt{to: addrs[0].String()}, put)
	if err != nil || transport(flow.Proto) != "tcp" || first.Outcome == Delivered {
		return first, err
	}
	for _, addr := range addrs[1:] {
		r, _, err := follow(ctx, instance, flow, attempt{to: addr.String()}, put)
		if err != nil || r.Outcome == Delivered {
			return r, err
		}
	}
	return first, nil
}

// resolve finds the flow's addresses, as programs of the sender do. Where the name has
// none, the report says why: it is that of the question to the name server, if that got
// lost.
func resolve(ctx context.Context, instance Instance, flow Flow, put fencer) ([]netip.Addr, *Report, error) {
	if addr, err := netip.ParseAddr(flow.To); err == nil {
		return []netip.Addr{addr.Unmap()}, nil, nil
	}
	var from probe.Node
	for _, n := range instance.Nodes {
		if n.Name == flow.From {
			from = probe.Node{Name: n.Name, NS: n.NS}
		}
	}
	l, err := probe.Resolve(ctx, probe.Request{From: from, To: flow.To, Wait: flow.Wait, Names: instance.Names})
	if err != nil {
		return nil, nil, err
	}
	if len(l.Addrs) > 0 {
		return l.Addrs, nil, nil
	}
	r := &Report{Flow: flow, Outcome: Unreachable, Detail: l.Detail, Hops: []Hop{}}
	a := args{Name: flow.To, Detail: l.Detail}
	switch {
	case l.Unconfigured:
		r.Verdict = say("no-name-server", spot{node: flow.From, object: "/etc/resolv.conf"}, a)
	case len(l.Asked) == 0:
		r.Verdict = say("name-not-found", spot{node: flow.From, object: "/etc/nsswitch.conf"}, a)
	default:
		return nil, r, askServer(ctx, instance, flow, l, r, put)
	}
	return nil, r, nil
}

// decisive is the question that an unsuccessful lookup failed at: the first without an
// answer, or else the last.
func decisive(l probe.Lookup) probe.Query {
	for _, q := range l.Asked {
		if q.Rcode == "" {
			return q
		}
	}
	return l.Asked[len(l.Asked)-1]
}

// askServer repeats the question that decided a lookup as a flow of its own, and puts
// what became of it into the report about the name.
func askServer(ctx context.Context, instance Instance, flow Flow, l probe.Lookup, r *Report, put fencer) error {
	q := decisive(l)
	question, err := new(dns.Msg).SetQuestion(dns.Fqdn(q.Name), q.Type).Pack()
	if err != nil {
		return fmt.Errorf("ask for %s: %w", flow.To, err)
	}
	asked, out, err := follow(ctx, instance, Flow{From: flow.From, To: q.Server, Proto: "udp", Port: 53, Wait: flow.Wait},
		attempt{to: q.Server, payload: question}, put)
	if err != nil {
		return err
	}
	r.Hops, r.Blind = asked.Hops, asked.Blind
	if out.Ended != engine.OK {
		a := args{Node: flow.From, Name: flow.To, Server: q.Server}
		if asked.Outcome == Refused {
			r.Verdict = behind("symptom.query-refused", a, asked.Verdict)
		} else {
			r.Verdict = behind("symptom.query-lost", a, asked.Verdict)
		}
		return nil
	}
	node := flow.From
	if holders := holdersOf(instance, q.Server); len(holders) == 1 {
		node = holders[0]
	}
	code := "name-server-failed"
	if q.Rcode == "NXDOMAIN" || q.Rcode == "NOERROR" {
		code = "name-not-found"
	}
	r.Verdict = say(code, spot{node: node, object: "name server " + q.Server}, args{Name: flow.To, Server: q.Server, Detail: r.Detail})
	return nil
}

// holdersOf names the nodes that have an address.
func holdersOf(instance Instance, addr string) (nodes []string) {
	a, err := netip.ParseAddr(addr)
	if err != nil {
		return nil
	}
	sc := &scene{instance: instance}
	if sc.before, err = take(instance, observe.Addrs); err != nil {
		return nil
	}
	for _, h := range sc.holders(a) {
		nodes = append(nodes, h.node)
	}
	return nodes
}
