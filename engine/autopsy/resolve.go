package autopsy

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/netip"
	"strconv"
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

// resolve finds the flow's address. Where the name has none, the report says
// why: it is that of the question to the name server, if that got lost.
func resolve(ctx context.Context, instance Instance, flow Flow, put fencer) (netip.Addr, *Report, error) {
	if addr, err := netip.ParseAddr(flow.To); err == nil {
		return addr.Unmap(), nil, nil
	}
	var from probe.Node
	for _, n := range instance.Nodes {
		if n.Name == flow.From {
			from = probe.Node{Name: n.Name, NS: n.NS}
		}
	}
	addr, out, err := probe.Resolve(ctx, probe.Request{
		From: from, To: flow.To, Wait: flow.Wait, Names: instance.Names,
	})
	if err != nil || out.Ended == engine.OK {
		return addr, nil, err
	}
	r := &Report{Flow: flow, Outcome: Unreachable, Detail: out.Detail, Hops: []Hop{}}
	r.Verdict = say("no-name-server", spot{node: flow.From, object: "/etc/resolv.conf"}, args{Name: flow.To, Detail: out.Detail})
	if len(instance.DNS) == 0 {
		return addr, r, nil
	}
	return addr, r, askServer(ctx, instance, flow, r, put)
}

// askServer sends the question to the first name server as a flow of its own,
// and puts what became of it into the report about the name.
func askServer(ctx context.Context, instance Instance, flow Flow, r *Report, put fencer) error {
	server, port := instance.DNS[0], 53
	if host, p, err := net.SplitHostPort(server); err == nil {
		server = host
		if n, err := strconv.Atoi(p); err == nil {
			port = n
		}
	}
	msg := new(dns.Msg).SetQuestion(dns.Fqdn(flow.To), dns.TypeA)
	question, err := msg.Pack()
	if err != nil {
		return fmt.Errorf("ask for %s: %w", flow.To, err)
	}
	asked, out, err := follow(ctx, instance, Flow{From: flow.From, To: server, Proto: "udp", Port: port, Wait: flow.Wait},
		attempt{to: server, payload: question}, put)
	if err != nil {
		return err
	}
	r.Hops, r.Blind = asked.Hops, asked.Blind
	if out.Ended != engine.OK {
		a := args{Node: flow.From, Name: flow.To, Server: server}
		if asked.Outcome == Refused {
			r.Verdict = behind("symptom.query-refused", a, asked.Verdict)
		} else {
			r.Verdict = behind("symptom.query-lost", a, asked.Verdict)
		}
		return nil
	}
	node := flow.From
	if holders := holdersOf(instance, server); len(holders) == 1 {
		node = holders[0]
	}
	at := spot{node: node, object: "name server " + instance.DNS[0]}
	a := args{Name: flow.To, Server: server, Detail: r.Detail}
	if strings.Contains(r.Detail, "NXDOMAIN") || strings.Contains(r.Detail, "NOERROR") {
		r.Verdict = say("name-not-found", at, a)
	} else {
		r.Verdict = say("name-server-failed", at, a)
	}
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
