package check

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"

	"underlay/engine"
	"underlay/engine/probe"
)

var resolveKind = spec[engine.ResolveCheck]{
	of:       func(c *engine.Check) *engine.ResolveCheck { return c.Resolve },
	judge:    judgeResolve,
	describe: describeResolve,
}.kind()

func describeResolve(c engine.ResolveCheck) string {
	s := c.From + " resolves " + c.Name
	if c.Resolver == engine.Musl {
		s += " by musl's rules"
	}
	s += prefixIf(" to ", list(c.Answer))
	if c.Queries > 0 {
		s += fmt.Sprintf(" with at most %s", english.Plural(c.Queries, "query", "queries"))
	}
	return s
}

type resolveKey struct {
	from, name string
	wait       time.Duration
	musl       bool
}

type resolved struct {
	probe.Lookup
	err error
}

func judgeResolve(ctx context.Context, r *run, _ scope, c engine.ResolveCheck) verdict {
	req := request(engine.TrafficCheck{From: c.From, To: c.Name, Within: c.Within, Resolver: c.Resolver})
	key := resolveKey{c.From, c.Name, req.Wait, req.Names.Musl}
	a := remember(&r.asked, key, func() resolved {
		r.wire.RLock()
		defer r.wire.RUnlock()
		l, err := r.w.Resolve(ctx, req)
		return resolved{l, err}
	})
	if a.err != nil {
		return erred(a.err, c.From, "resolve.unable", args{Name: c.Name})
	}
	if len(a.Addrs) == 0 {
		v := fail("resolve.failed", args{Detail: a.Detail})
		if i := slices.IndexFunc(a.Asked, func(q probe.Query) bool { return q.Rcode == "" }); i >= 0 {
			v = v.about(engine.Flow{From: c.From, To: a.Asked[i].Server, Proto: "udp", Port: 53}, engine.Timeout)
		}
		return v
	}
	var found []string
	for _, addr := range a.Addrs {
		found = append(found, addr.String())
	}
	if c.Queries > 0 && len(a.Asked) > c.Queries && (len(c.Answer) == 0 || sameValues(c.Answer, found)) {
		return fail("resolve.queries", args{Name: c.Name, Value: list(found), Tries: len(a.Asked), Found: asked(a.Asked)})
	}
	return passIf(len(c.Answer) == 0 || sameValues(c.Answer, found), "resolve", args{Name: c.Name, Found: found, Tries: len(a.Asked)})
}

// asked are the questions of a lookup with what came of them, in their order: those for one
// name that were answered alike at once, because A and AAAA are asked side by side.
func asked(queries []probe.Query) (out []string) {
	type answer struct{ server, name, what string }
	var order []answer
	types := map[answer][]string{}
	for _, q := range queries {
		a := answer{q.Server, q.Name, orElse(q.Rcode, "no answer")}
		if types[a] == nil {
			order = append(order, a)
		}
		types[a] = append(types[a], q.Record())
	}
	for _, a := range order {
		slices.Sort(types[a])
		out = append(out, fmt.Sprintf("%s %s → %s", a.name, strings.Join(types[a], "+"), a.what))
	}
	return out
}
