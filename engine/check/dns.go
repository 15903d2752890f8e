package check

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"underlay/engine"
)

var dnsKind = spec[engine.DNSCheck]{
	of:       func(c *engine.Check) *engine.DNSCheck { return c.DNS },
	judge:    judgeDNS,
	describe: describeDNS,
}.kind()

func describeDNS(c engine.DNSCheck) string {
	s := fmt.Sprintf("%s asks for the %s record of %s", c.From, orElse(c.Type, "A"), c.Name)
	if c.Server != "" {
		s = fmt.Sprintf("%s asks %s for the %s record of %s", c.From, c.Server, orElse(c.Type, "A"), c.Name)
	}
	var w []string
	if c.Rcode != "" {
		w = append(w, c.Rcode)
	}
	if len(c.Answer) > 0 {
		w = append(w, list(c.Answer))
	}
	if len(w) == 0 {
		w = append(w, "an answer")
	}
	return s + ": " + strings.Join(w, ", ")
}

type dnsKey struct{ from, server, name, typ string }

type dnsReply struct {
	DNSAnswer
	err error
}

func judgeDNS(ctx context.Context, r *run, _ scope, c engine.DNSCheck) verdict {
	typ := orElse(c.Type, "A")
	a := remember(&r.asked, dnsKey{c.From, c.Server, c.Name, typ}, func() dnsReply {
		r.wire.RLock()
		defer r.wire.RUnlock()
		a, err := r.w.DNS(ctx, c.From, c.Server, c.Name, typ)
		return dnsReply{a, err}
	})
	if a.err != nil {
		return erred(a.err, c.From, "dns.unable", args{Name: c.Name})
	}
	if a.Rcode == "" {
		v := fail("dns.no-answer", args{Detail: a.Detail})
		if a.Server != "" {
			v = v.about(engine.Flow{From: c.From, To: a.Server, Proto: "udp", Port: 53}, a.Ended)
		}
		return v
	}
	ok := strings.EqualFold(orElse(c.Rcode, "NOERROR"), a.Rcode) && (len(c.Answer) == 0 || sameValues(c.Answer, a.Values))
	return passIf(ok, "dns", args{Value: a.Rcode, Found: a.Values})
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
