package check

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"underlay/engine"
	"underlay/engine/probe"
)

var trafficKind = spec[engine.TrafficCheck]{
	of:       func(c *engine.Check) *engine.TrafficCheck { return c.Traffic },
	judge:    judgeTraffic,
	describe: describeTraffic,
}.kind()

// proto returns the protocol of a check, with the usual one where the author
// left it out.
func proto(c engine.TrafficCheck) string {
	switch {
	case c.Proto != "":
		return c.Proto
	case c.Path != "" || c.Host != "" || c.HTTP != nil || c.TLS != nil:
		return "http"
	case c.Port == 0:
		return "icmp"
	}
	return "tcp"
}

func expected(c engine.TrafficCheck) engine.Expect {
	if c.Expect == "" {
		return engine.OK
	}
	return c.Expect
}

type probeKey struct {
	from, to, via     string
	port              int
	proto, path, host string
	wait              time.Duration
	size, sport       int
	tls               string // the name that is asked for, "" without TLS
	http              string // what the request has of its own
	musl              bool
}

// trafficKey is a traffic check as a key: its parts by what they say, not by where they
// are.
type trafficKey struct {
	engine.TrafficCheck
	parts string
}

func keyOf(c engine.TrafficCheck) trafficKey {
	k := trafficKey{TrafficCheck: c}
	if c.Spread != nil {
		k.Spread, k.parts = nil, fmt.Sprint(*c.Spread)
	}
	if c.Sweep != nil {
		k.Sweep, k.parts = nil, k.parts+fmt.Sprint(*c.Sweep)
	}
	if c.DNAT != nil {
		k.DNAT, k.parts = nil, k.parts+fmt.Sprint(*c.DNAT)
	}
	if c.TLS != nil {
		k.TLS, k.parts = nil, k.parts+fmt.Sprint("tls", *c.TLS)
	}
	if c.HTTP != nil {
		k.HTTP, k.parts = nil, k.parts+fmt.Sprint(*c.HTTP)
	}
	return k
}

type attempt struct {
	out probe.Outcome
	err error
}

// request is the attempt a check asks for, in one spelling only, so that equal
// attempts are made once.
func request(c engine.TrafficCheck) probe.Request {
	r := probe.Request{From: probe.Node{Name: c.From}, To: c.To, Port: c.Port, Proto: proto(c), Wait: c.Within, Via: c.Via, Size: c.Size, SPort: c.SPort}
	r.Reset = c.SPort != 0 // or the port would be taken when it is tried again
	switch {
	case r.Wait != 0:
	case c.TLS != nil:
		r.Wait = probe.TLSWait
	default:
		r.Wait = probe.DefaultWait
	}
	r.Names.Musl = c.Resolver == engine.Musl
	if r.Proto == "http" {
		r.Path, r.Host = orElse(c.Path, "/"), c.Host
		if c.TLS != nil {
			r.TLS = &probe.TLS{Name: cmp.Or(c.TLS.Name, c.Host, c.To)}
		}
		if r.Port == 0 {
			r.Port = 80
			if r.TLS != nil {
				r.Port = 443
			}
		}
		if c.HTTP != nil {
			r.Method, r.Headers = c.HTTP.Method, c.HTTP.Headers
		}
	}
	return r
}

// flow is the attempt as an autopsy can repeat it.
func flow(c engine.TrafficCheck) engine.Flow {
	r := request(c)
	f := engine.Flow{From: c.From, To: c.To, Proto: r.Proto, Port: r.Port, Size: c.Size, SPort: c.SPort, Wait: c.Within}
	if c.Resolver == engine.Musl {
		f.Resolver = c.Resolver
	}
	if f.Proto == "icmp" {
		f.Port = 0
	}
	return f
}

func trafficTarget(c engine.TrafficCheck) string {
	r := request(c)
	to, scheme := endpoint(c.To, r.Port), "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	switch {
	case r.Proto != "http":
		return to
	case r.Host != "":
		return scheme + r.Host + r.Path + " at " + to
	}
	return scheme + to + r.Path
}

func trafficSubject(c engine.TrafficCheck) string {
	return orElse(c.Purpose, c.From+" → "+trafficTarget(c))
}

func describeTraffic(c engine.TrafficCheck) string {
	s := c.Purpose
	switch {
	case c.Sweep != nil:
		s = sweepWords(c)
	case s == "":
		s = c.From + " → " + trafficTarget(c) + " " + endingWords(proto(c), expected(c)) + prefixIf(" ", withWords(c))
	case expected(c) != engine.OK:
		s += ": " + attemptWords(expected(c))
	}
	var and []string
	if c.SeenAs != "" {
		and = append(and, "the server sees "+c.SeenAs)
	}
	if c.Served != "" {
		and = append(and, "the server is "+c.Served)
	}
	if c.Body != "" {
		and = append(and, fmt.Sprintf("the reply contains %q", c.Body))
	}
	if c.TLS != nil {
		and = append(and, tlsWords(c)...)
	}
	if c.HTTP != nil {
		and = append(and, httpWords(*c.HTTP)...)
	}
	s += prefixIf(", and ", list(and))
	if c.DNAT != nil {
		s += ", and " + dnatWords(*c.DNAT)
	}
	if c.Spread != nil {
		s += ", " + spreadWords(*c.Spread)
	}
	if c.Hold > 0 {
		s += ", for " + duration(c.Hold)
	}
	return s
}

func endingWords(proto string, e engine.Expect) string {
	switch e {
	case engine.Refused:
		return "is refused" + prefixIf(" over ", over(proto))
	case engine.Timeout:
		return "gets no answer" + over2(proto)
	case engine.Unreachable:
		return "is unreachable"
	case engine.NoAnswer:
		return "is not answered" + over2(proto)
	}
	switch proto {
	case "icmp":
		return "answers ping"
	case "tcp":
		return "accepts a TCP connection"
	case "http":
		return "answers"
	}
	return "answers over " + over(proto)
}

// withWords say what is special about an attempt's packets.
func withWords(c engine.TrafficCheck) string {
	var with []string
	if c.SPort != 0 {
		with = append(with, fmt.Sprintf("from port %d", c.SPort))
	}
	if c.Size != 0 {
		with = append(with, fmt.Sprintf("with %d bytes", c.Size))
	}
	if c.HTTP != nil {
		with = append(with, requestWords(*c.HTTP)...)
	}
	return strings.Join(with, " ")
}

func over(proto string) string {
	switch proto {
	case "tcp", "udp":
		return strings.ToUpper(proto)
	}
	return ""
}

func over2(proto string) string {
	if proto == "icmp" {
		return " to ping"
	}
	return prefixIf(" over ", over(proto))
}

func attemptWords(e engine.Expect) string {
	switch e {
	case engine.Refused:
		return "refused"
	case engine.Timeout:
		return "no answer"
	case engine.Unreachable:
		return "unreachable"
	case engine.NoAnswer:
		return "not answered"
	}
	return "answered"
}

// judgeTraffic evaluates a traffic check; equal ones are evaluated once.
func judgeTraffic(ctx context.Context, r *run, _ scope, c engine.TrafficCheck) verdict {
	return remember(&r.asked, keyOf(c), func() verdict {
		switch {
		case c.Sweep != nil:
			return r.sweep(ctx, c)
		case c.Spread != nil:
			return r.spread(ctx, c)
		case c.DNAT != nil:
			return r.tracked(ctx, c)
		case c.Hold > 0:
			return r.hold(ctx, c)
		}
		return r.judge(c, r.probe(ctx, c))
	})
}

// probe makes an attempt, or returns the outcome of the equal one that was made.
func (r *run) probe(ctx context.Context, c engine.TrafficCheck) attempt {
	req := request(c)
	asked := ""
	if req.TLS != nil {
		asked = req.TLS.Name
	}
	key := probeKey{req.From.Name, req.To, req.Via, req.Port, req.Proto, req.Path, req.Host, req.Wait, req.Size, req.SPort, asked, req.Method + fmt.Sprint(req.Headers), req.Names.Musl}
	return remember(&r.asked, key, func() attempt { return r.attempt(ctx, c) })
}

// attempt makes an attempt that is its own. No capture runs meanwhile.
func (r *run) attempt(ctx context.Context, c engine.TrafficCheck) attempt {
	out, err := r.single(ctx, request(c), expected(c))
	return attempt{out, err}
}

// hold repeats an attempt until c.Hold has elapsed or one ends differently.
func (r *run) hold(ctx context.Context, c engine.TrafficCheck) verdict {
	pause := min(max(c.Hold/10, 20*time.Millisecond), 250*time.Millisecond)
	start := time.Now()
	v := r.judge(c, r.probe(ctx, c))
	for v.State == engine.Pass {
		left := c.Hold - time.Since(start)
		if left <= 0 {
			return v.with(func(a *args) { a.Held = duration(c.Hold) })
		}
		select {
		case <-ctx.Done():
			return broken("traffic.interrupted", args{Detail: ctx.Err().Error()})
		case <-time.After(min(pause, left)):
		}
		v = r.judge(c, r.attempt(ctx, c))
		if v.State == engine.Fail {
			v = v.with(func(a *args) { a.Lapse = duration(time.Since(start)) })
		}
	}
	return v
}

// judge compares how an attempt ended with what was expected.
func (r *run) judge(c engine.TrafficCheck, a attempt) verdict {
	if a.err != nil {
		return erred(a.err, c.From, "traffic.unable", args{Attempt: trafficSubject(c)})
	}
	return r.compare(c, a.out).about(flow(c), a.out.Ended)
}

func (r *run) compare(c engine.TrafficCheck, out probe.Outcome) verdict {
	switch out.Ended {
	case engine.OK, engine.Refused, engine.Timeout, engine.Unreachable:
	default:
		return broken("traffic.unclear", args{Attempt: trafficSubject(c)})
	}
	code, a := ending(c, out)
	if c.Purpose != "" {
		a.Attempt = c.From + " → " + trafficTarget(c)
	}
	if !expected(c).Met(out.Ended) {
		return fail(explain(c, out, code), a)
	}
	if out.Ended == engine.OK {
		if v := r.mismatch(c, out); v.State == engine.Fail {
			return v
		}
	}
	return pass(code, a)
}

// servedByAnother fails for who answered. An answer without what the lab's servers put into
// theirs is a stranger's; over TCP a server's line may also have come too late.
func servedByAnother(c engine.TrafficCheck, out probe.Outcome) verdict {
	switch {
	case out.Served != "":
		return fail("traffic.served", args{Name: out.Served})
	case proto(c) == "tcp":
		return fail("traffic.nameless", args{})
	}
	return fail("traffic.stranger", args{})
}

// mismatch fails for what is wrong with an answer that came; it is no verdict if nothing is.
func (r *run) mismatch(c engine.TrafficCheck, out probe.Outcome) verdict {
	if c.TLS != nil {
		if v := tlsMismatch(c, out); v.State == engine.Fail {
			return v
		}
	}
	switch {
	case c.SeenAs != "" && out.SeenAs == "":
		return servedByAnother(c, probe.Outcome{})
	case c.SeenAs != "" && !sameAddr(out.SeenAs, c.SeenAs):
		return r.seenAs(c, out)
	case c.Served != "" && !servedBy(out.Served, c.Served):
		return servedByAnother(c, out)
	case c.Body != "" && !strings.Contains(out.Body, c.Body):
		a := args{Value: c.Body}
		if out.Status >= 400 {
			a.Status = out.Status
		}
		return fail("traffic.body", a)
	}
	if c.HTTP != nil {
		return httpMismatch(c, out)
	}
	return verdict{}
}

// servedBy compares a server's name with the one that is asked for, which may
// end with * for whatever a cluster adds.
func servedBy(name, want string) bool {
	if begin, ok := strings.CutSuffix(want, "*"); ok {
		return strings.HasPrefix(name, begin)
	}
	return name == want
}

// ending returns the code of an outcome, and its details. The four endings have codes of
// their own, whatever the detail says.
func ending(c engine.TrafficCheck, out probe.Outcome) (code string, a args) {
	switch out.Ended {
	case engine.OK:
		code = "traffic.answered"
		switch proto(c) {
		case "icmp":
			code = "traffic.ping"
		case "tcp":
			code = "traffic.connected"
		}
		return code, args{Status: out.Status, Address: out.SeenAs}
	case engine.Refused:
		return "traffic.refused", naming(out.Detail, "refused")
	case engine.Timeout:
		if out.Detail != "" && !strings.Contains(out.Detail, "no answer") {
			return "traffic.no-answer", args{Note: out.Detail}
		}
		return "traffic.no-answer", args{Wait: duration(request(c).Wait)}
	}
	if out.Unresolved {
		return "traffic.unresolved", args{Name: c.To, Detail: out.Detail}
	}
	return "traffic.unreachable", naming(out.Detail, "unreachable", "no route")
}

// naming returns the detail of an ending: Detail if it names the ending, else a Note to
// its name.
func naming(detail string, names ...string) args {
	if slices.ContainsFunc(names, func(n string) bool { return strings.Contains(strings.ToLower(detail), n) }) {
		return args{Detail: detail}
	}
	return args{Note: detail}
}
