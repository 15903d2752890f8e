package check

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"underlay/engine"
	"underlay/engine/observe"
)

type dnsKey struct{ from, server, name, typ string }

type dnsReply struct {
	DNSAnswer
	err error
}

func (r *run) dns(ctx context.Context, c engine.DNSCheck) verdict {
	typ := orElse(c.Type, "A")
	a := r.lookups.do(dnsKey{c.From, c.Server, c.Name, typ}, func() dnsReply {
		r.wire.RLock()
		defer r.wire.RUnlock()
		a, err := r.w.DNS(ctx, c.From, c.Server, c.Name, typ)
		return dnsReply{a, err}
	})
	if a.err != nil {
		return erred(a.err, c.From, "ask for "+c.Name)
	}
	if a.Rcode == "" {
		v := failed(orElse(a.Detail, "no name server answered"), "")
		if a.Server != "" {
			v = v.about(engine.Flow{From: c.From, To: a.Server, Proto: "udp", Port: 53}, a.Ended)
		}
		return v
	}
	got := a.Rcode
	if len(a.Values) > 0 {
		got += ", " + list(a.Values)
	}
	switch {
	case c.Rcode != "" && !strings.EqualFold(c.Rcode, a.Rcode),
		c.Rcode == "" && a.Rcode != "NOERROR",
		len(c.Answer) > 0 && !sameValues(c.Answer, a.Values):
		return failed(got, "")
	}
	return passed(got)
}

// sameValues compares two answers as sets of names or addresses.
func sameValues(want, got []string) bool {
	fold := func(in []string) []string {
		out := make([]string, len(in))
		for i, s := range in {
			out[i] = strings.ToLower(strings.TrimSuffix(s, "."))
			if a, err := netip.ParseAddr(s); err == nil {
				out[i] = a.String()
			}
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	return slices.Equal(fold(want), fold(got))
}

// capture evaluates a capture; equal ones are evaluated once.
func (r *run) capture(ctx context.Context, f *facts, c engine.CaptureCheck) verdict {
	return r.captures.do(c, func() verdict {
		st, bad := f.node(c.Node, observe.Links)
		if bad != nil {
			return *bad
		}
		if c.Dev != "" && c.Dev != "any" && findLink(st, c.Dev) == nil {
			return failed(fmt.Sprintf("%s has no interface %s", c.Node, c.Dev), haveLinks(st))
		}
		return r.watch(ctx, c)
	})
}

// watch captures while the traffic is sent. The traffic must end as expected
// if the author says how; otherwise its end does not matter.
func (r *run) watch(ctx context.Context, c engine.CaptureCheck) verdict {
	if c.During == nil {
		return brokenf("This check says of no traffic that it is to be watched.")
	}
	var a attempt
	r.wire.Lock()
	seen, err := r.w.Capture(ctx, c.Node, c.Dev, c.Filter, func(ctx context.Context) error {
		a.out, a.err = r.w.Probe(ctx, request(*c.During))
		return a.err
	})
	r.wire.Unlock()
	switch {
	case a.err != nil:
		return erred(a.err, c.During.From, "try "+trafficSubject(*c.During))
	case err != nil:
		return erred(err, c.Node, "watch "+on(c.Dev, c.Node))
	case a.out.Ended == "":
		return brokenf("No traffic was sent while %s was watched.", on(c.Dev, c.Node))
	}
	if c.During.Expect != "" {
		if v := r.judge(*c.During, a); v.State != engine.Pass {
			v.Want = describeTraffic(*c.During)
			return v
		}
	}
	got := "no such packet was seen"
	if len(seen) > 0 {
		got = fmt.Sprintf("%s seen: %s", count(len(seen), "packet", "packets"), seen[0])
	}
	switch {
	case (len(seen) > 0) == c.Sees:
		return passed(got)
	case c.Sees:
		v := failed(got, r.explainUnseen(c, a.out)).about(flow(*c.During), a.out.Ended)
		v.adds = true
		return v
	}
	return failed(got, "").about(flow(*c.During), "")
}

// splitAnswer takes apart what an answer is compared with: "mac:c1/eth0".
func splitAnswer(of string) (kind, node, iface string, ok bool) {
	kind, rest, ok := strings.Cut(of, ":")
	if !ok || answerFacet(kind) == 0 {
		return "", "", "", false
	}
	node, iface, ok = strings.Cut(rest, "/")
	return kind, node, iface, ok && node != "" && iface != ""
}

func answerFacet(kind string) observe.Facet {
	switch kind {
	case "mac", "ifindex", "peer", "mtu":
		return observe.Links
	case "addr":
		return observe.Links | observe.Addrs
	}
	return 0
}

func (r *run) answer(s scope, c engine.AnswerCheck) verdict {
	kind, node, iface, ok := splitAnswer(c.Of)
	if !ok {
		return brokenf("%q is nothing that an answer can be compared with.", c.Of)
	}
	text := strings.TrimSpace(r.answers[s.task])
	if text == "" {
		return failed("no answer yet", "")
	}
	st, bad := s.facts.node(node, answerFacet(kind))
	if bad != nil {
		return *bad
	}
	l := findLink(st, iface)
	if l == nil {
		return failed(fmt.Sprintf("%s has no interface %s", node, iface), haveLinks(st))
	}
	got := fmt.Sprintf("you answered %q", text)
	right, form := true, ""
	switch kind {
	case "mac":
		right, form = answersMAC(text, l.MAC)
	case "addr":
		right, form = answersAddr(text, iface, st.Addrs)
	case "ifindex":
		right, form = answersNumber(text, l.Index)
	case "mtu":
		right, form = answersNumber(text, l.MTU)
	case "peer":
		if l.PeerName == "" {
			return brokenf("The other end of %s in %s could not be found.", iface, node)
		}
		right = answersPeer(text, *l)
	}
	if !right {
		return failed(got, form)
	}
	return passed(got)
}

// The comparisons below return whether an answer is right and, if it has not
// even the right form, what the right form is.

func answersMAC(text, mac string) (right bool, form string) {
	if _, err := net.ParseMAC(text); err != nil {
		return false, "A MAC address is six pairs of hexadecimal digits, such as 02:42:ac:11:00:02."
	}
	return sameMAC(text, mac), ""
}

func answersAddr(text, dev string, addrs []observe.Addr) (right bool, form string) {
	want, ok := parseAddrWant(text)
	if !ok {
		return false, "An address looks like 172.17.0.2 or 172.17.0.2/16."
	}
	for _, a := range addrs {
		if a.Dev == dev && want.matches(a.Prefix) {
			return true, ""
		}
	}
	return false, ""
}

func answersNumber(text string, number int) (right bool, form string) {
	n, err := strconv.Atoi(text)
	if err != nil {
		return false, "The answer is a number."
	}
	return n == number, ""
}

// answersPeer accepts the name of the other end, with or without its node, and
// as ip prints it ("veth0@if2").
func answersPeer(text string, l observe.Link) bool {
	text, _, _ = strings.Cut(text, "@")
	return text == l.PeerName || l.PeerNode != "" && text == l.PeerNode+"/"+l.PeerName
}
