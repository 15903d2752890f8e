package probe

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"underlay/engine"
)

// Lookup is how a node has resolved a name.
type Lookup struct {
	Addrs []netip.Addr // in the order in which programs try them
	Asked []Query      // what name servers were asked, in order
	// Detail says why there is no address, as a sentence without a full stop.
	Detail string
	// Unconfigured says that no name server was to be asked.
	Unconfigured bool
}

// Query is a question that a lookup put to a name server.
type Query struct {
	Server string // address
	Name   string // whole, without the final dot
	Type   uint16 // of dns.Type…
	Rcode  string // NXDOMAIN …; "" if there was no answer
	Detail string // how it ended otherwise, in the words of a probe
}

// Record is the query's type in words: A, AAAA.
func (q Query) Record() string { return dns.TypeToString[q.Type] }

// Resolve looks up what Do would try, as programs in the node do. The error is for what
// could not be found out.
func Resolve(ctx context.Context, r Request) (Lookup, error) {
	if r.Wait <= 0 {
		r.Wait = DefaultWait
	}
	l := &lookup{r: r, silent: map[string]bool{}}
	err := l.run(ctx)
	var end *ending
	if errors.As(err, &end) {
		l.Detail, err = end.detail, nil
	}
	if len(l.Addrs) > 1 && err == nil {
		l.Addrs, err = prefer(r.From, l.Addrs, r.Names.Musl)
	}
	return l.Lookup, err
}

// resolve is Resolve for Do: that there is no address is an *ending.
func resolve(ctx context.Context, r Request) ([]netip.Addr, error) {
	l, err := Resolve(ctx, r)
	if err == nil && len(l.Addrs) == 0 {
		err = &ending{ended: engine.Unreachable, detail: l.Detail, lookup: true}
	}
	return l.Addrs, err
}

// lookup is one that is under way.
type lookup struct {
	Lookup
	r      Request
	conf   resolvConf
	silent map[string]bool // servers that have not answered once
}

// run asks the node's sources of names in turn. musl has no nsswitch.conf.
func (l *lookup) run(ctx context.Context) error {
	if addr, ok := numeric(l.r.To); ok {
		l.Addrs = []netip.Addr{addr}
		return nil
	}
	if _, ok := dns.IsDomainName(l.r.To); !ok || l.r.To == "" {
		return endf(engine.Unreachable, "could not resolve %q: it is no name", l.r.To)
	}
	l.conf = l.r.Names.resolv()
	sources := l.r.Names.sources()
	if l.r.Names.Musl {
		sources = Names{}.sources()
	}
	asked := false
	for _, s := range sources {
		got := unavail // as for any source that this machine has no module for
		var err error
		switch s.name {
		case "files":
			got = l.files()
		case "dns":
			asked = true
			got, err = l.dns(ctx)
		}
		if err != nil {
			return err
		}
		if s.ends[got] {
			break
		}
	}
	if len(l.Addrs) == 0 {
		return l.failed(asked)
	}
	return nil
}

func (l *lookup) files() found {
	if l.r.Names.Etc.Hosts == nil {
		return unavail
	}
	addrs := l.r.Names.inHosts(l.r.To)
	if len(addrs) == 0 {
		return notFound
	}
	l.Addrs = append(l.Addrs, addrs...)
	return success
}

func (l *lookup) dns(ctx context.Context) (found, error) {
	if l.r.Names.Musl {
		return l.musl(ctx)
	}
	addrs, got, err := l.glibc(ctx)
	// With rotate a program begins with any of the servers, so each of them must do.
	for turn := 1; l.conf.rotate && turn < len(l.conf.servers) && err == nil && got == success; turn++ {
		l.conf.servers = append(l.conf.servers[1:], l.conf.servers[0])
		_, got, err = l.glibc(ctx)
	}
	if err == nil && got == success {
		l.Addrs = append(l.Addrs, addrs...)
	}
	return got, err
}

// failed is why there is no address: what was asked of whom, and what came of it.
func (l *lookup) failed(asked bool) error {
	name := l.r.To
	switch {
	case !asked:
		return endf(engine.Unreachable, "could not resolve %s: it is not in %s's /etc/hosts, and /etc/nsswitch.conf leads to no name server", name, l.r.From.Name)
	case !l.conf.given && !slices.ContainsFunc(l.Asked, func(q Query) bool { return q.Rcode != "" }):
		l.Unconfigured = true
		return endf(engine.Unreachable, "could not resolve %s: %s has no DNS server configured", name, l.r.From.Name)
	}
	return endf(engine.Unreachable, "could not resolve %s: %s", name, l.told())
}

// told tells the queries: those with the same answer from the same server at once.
func (l *lookup) told() string {
	type answer struct {
		server, what string
		answered     bool
	}
	var order []answer
	names := map[answer][]string{}
	for _, q := range l.Asked {
		a := answer{q.Server, q.Rcode, q.Rcode != ""}
		switch q.Rcode {
		case "":
			a.what = q.Detail
		case "NOERROR":
			a.what = "no address (NOERROR, empty answer)"
		}
		if names[a] == nil {
			order = append(order, a)
		}
		if !slices.Contains(names[a], q.Name) {
			names[a] = append(names[a], q.Name)
		}
	}
	var out []string
	for _, a := range order {
		text := a.what
		switch {
		case a.answered:
			text += " from " + a.server
		case !strings.Contains(text, a.server):
			text = a.server + ": " + text
		}
		if len(names[a]) > 1 || names[a][0] != strings.TrimSuffix(l.r.To, ".") {
			text += " for " + and(names[a])
		}
		out = append(out, text)
	}
	return strings.Join(out, "; ")
}

func and(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// note keeps what came of a question.
func (l *lookup) note(server, name string, qtype uint16, msg *dns.Msg, end *ending) {
	q := Query{Server: server, Name: strings.TrimSuffix(name, "."), Type: qtype}
	if msg != nil {
		q.Rcode = dns.RcodeToString[msg.Rcode]
	} else if end != nil {
		q.Detail = end.detail
	}
	l.Asked = append(l.Asked, q)
}

// addresses are those in an answer for the name that was asked for and the names that it
// is an alias of.
func addresses(msg *dns.Msg) (addrs []netip.Addr) {
	if msg == nil || len(msg.Question) == 0 {
		return nil
	}
	name := msg.Question[0].Name
	for _, rr := range msg.Answer {
		if !strings.EqualFold(rr.Header().Name, name) {
			continue
		}
		var addr netip.Addr
		switch rr := rr.(type) {
		case *dns.CNAME:
			name = rr.Target
			continue
		case *dns.A:
			addr, _ = netip.AddrFromSlice(rr.A)
		case *dns.AAAA:
			addr, _ = netip.AddrFromSlice(rr.AAAA)
		}
		if addr.IsValid() && rr.Header().Rrtype == msg.Question[0].Qtype {
			addrs = append(addrs, addr.Unmap())
		}
	}
	return addrs
}
