package check

import (
	"context"
	"fmt"
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
	case c.Path != "" || c.Host != "":
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
	from, to          string
	port              int
	proto, path, host string
	wait              time.Duration
}

type attempt struct {
	out probe.Outcome
	err error
}

// request is the attempt a check asks for, in one spelling only, so that equal
// attempts are made once.
func request(c engine.TrafficCheck) probe.Request {
	r := probe.Request{From: probe.Node{Name: c.From}, To: c.To, Port: c.Port, Proto: proto(c), Wait: c.Within}
	if r.Wait == 0 {
		r.Wait = probe.DefaultWait
	}
	if r.Proto == "http" {
		r.Path, r.Host = orElse(c.Path, "/"), c.Host
		if r.Port == 0 {
			r.Port = 80
		}
	}
	return r
}

// flow is the attempt as an autopsy can repeat it.
func flow(c engine.TrafficCheck) engine.Flow {
	r := request(c)
	f := engine.Flow{From: c.From, To: c.To, Proto: r.Proto, Port: r.Port, Wait: c.Within}
	if f.Proto == "icmp" {
		f.Port = 0
	}
	return f
}

func trafficTarget(c engine.TrafficCheck) string {
	r := request(c)
	to := endpoint(c.To, r.Port)
	switch {
	case r.Proto != "http":
		return to
	case r.Host != "":
		return "http://" + r.Host + r.Path + " at " + to
	}
	return "http://" + to + r.Path
}

func trafficSubject(c engine.TrafficCheck) string {
	return orElse(c.Purpose, c.From+" → "+trafficTarget(c))
}

func describeTraffic(c engine.TrafficCheck) string {
	s := c.Purpose
	if s == "" {
		s = c.From + " → " + trafficTarget(c) + " " + endingWords(proto(c), expected(c))
	} else if expected(c) != engine.OK {
		s += ": " + attemptWords(expected(c))
	}
	if c.SeenAs != "" {
		s += ", and the server sees " + c.SeenAs
	}
	if c.Served != "" {
		s += ", served by " + c.Served
	}
	if c.Body != "" {
		s += fmt.Sprintf(", with %q in the reply", c.Body)
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
	}
	return "answered"
}

// judgeTraffic evaluates a traffic check; equal ones are evaluated once.
func judgeTraffic(ctx context.Context, r *run, _ scope, c engine.TrafficCheck) verdict {
	return remember(&r.asked, keyOf(c), func() verdict {
		switch {
		case c.Spread != nil:
			return r.spread(ctx, c)
		case c.Hold > 0:
			return r.hold(ctx, c)
		}
		return r.judge(c, r.probe(ctx, c))
	})
}

// probe makes an attempt, or returns the outcome of the equal one that was made.
func (r *run) probe(ctx context.Context, c engine.TrafficCheck) attempt {
	req := request(c)
	key := probeKey{req.From.Name, req.To, req.Port, req.Proto, req.Path, req.Host, req.Wait}
	return remember(&r.asked, key, func() attempt { return r.attempt(ctx, c) })
}

// attempt makes an attempt that is its own. No capture runs meanwhile.
func (r *run) attempt(ctx context.Context, c engine.TrafficCheck) attempt {
	r.wire.RLock()
	defer r.wire.RUnlock()
	out, err := r.w.Probe(ctx, request(c))
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
			v.Got += " for " + duration(c.Hold)
			return v
		}
		select {
		case <-ctx.Done():
			return brokenf("The check was interrupted: %v.", ctx.Err())
		case <-time.After(min(pause, left)):
		}
		v = r.judge(c, r.attempt(ctx, c))
		if v.State == engine.Fail {
			v.Got += ", " + duration(time.Since(start)) + " after it had been as wanted"
		}
	}
	return v
}

// judge compares how an attempt ended with what was expected.
func (r *run) judge(c engine.TrafficCheck, a attempt) verdict {
	if a.err != nil {
		return erred(a.err, c.From, "try "+trafficSubject(c))
	}
	return r.compare(c, a.out).about(flow(c), a.out.Ended)
}

func (r *run) compare(c engine.TrafficCheck, out probe.Outcome) verdict {
	switch out.Ended {
	case engine.OK, engine.Refused, engine.Timeout, engine.Unreachable:
	default:
		return brokenf("It could not be told how the attempt %s ended.", trafficSubject(c))
	}
	got := outcomeWords(c, out)
	if c.Purpose != "" {
		got = c.From + " → " + trafficTarget(c) + ": " + got
	}
	if out.Ended != expected(c) {
		return failed(got, explain(c, out))
	}
	if out.Ended != engine.OK {
		return passed(got)
	}
	if wrong, why := r.mismatch(c, out); wrong != "" {
		return failed("reached, but "+wrong, why)
	}
	return passed(got)
}

// strangerWords are said of an answer without what the lab's servers put into
// theirs. Over TCP a server's line may also have come too late.
func strangerWords(c engine.TrafficCheck) string {
	if proto(c) == "tcp" {
		return "the server did not say who it is"
	}
	return "something other than this lab's server answered"
}

// mismatch says what is wrong with an answer that came, "" if nothing is.
func (r *run) mismatch(c engine.TrafficCheck, out probe.Outcome) (wrong, why string) {
	switch {
	case c.SeenAs != "" && out.SeenAs == "":
		return strangerWords(c), ""
	case c.SeenAs != "" && !sameAddr(out.SeenAs, c.SeenAs):
		return "the server saw " + out.SeenAs, r.explainSeen(c, out)
	case c.Served != "" && out.Served == "":
		return strangerWords(c), ""
	case c.Served != "" && !servedBy(out.Served, c.Served):
		return out.Served + " answered", ""
	case c.Body != "" && !strings.Contains(out.Body, c.Body):
		return fmt.Sprintf("the reply does not contain %q", c.Body), statusWords(out)
	}
	return "", ""
}

// servedBy compares a server's name with the one that is asked for, which may
// end with * for whatever a cluster adds.
func servedBy(name, want string) bool {
	if begin, ok := strings.CutSuffix(want, "*"); ok {
		return strings.HasPrefix(name, begin)
	}
	return name == want
}

func statusWords(out probe.Outcome) string {
	if out.Status < 400 {
		return ""
	}
	return fmt.Sprintf("The server answered with status %d.", out.Status)
}

// outcomeWords says how an attempt ended. The words of the four endings are
// never mixed up, whatever the detail says.
func outcomeWords(c engine.TrafficCheck, out probe.Outcome) string {
	switch out.Ended {
	case engine.OK:
		s := map[string]string{"icmp": "answered ping", "tcp": "connected"}[proto(c)]
		s = orElse(s, "answered")
		if out.Status != 0 {
			s += fmt.Sprintf(" with status %d", out.Status)
		}
		if out.SeenAs != "" {
			s += ", the server saw " + out.SeenAs
		}
		return s
	case engine.Refused:
		return naming(out.Detail, "refused")
	case engine.Timeout:
		if out.Detail != "" && !strings.Contains(out.Detail, "no answer") {
			return "no answer: " + out.Detail
		}
		return "no answer in " + duration(request(c).Wait)
	}
	return naming(out.Detail, "unreachable", "no route")
}

// naming returns the detail of an ending, in front of which the ending is named
// unless the detail does so.
func naming(detail string, names ...string) string {
	if detail == "" {
		return names[0]
	}
	for _, n := range names {
		if strings.Contains(strings.ToLower(detail), n) {
			return detail
		}
	}
	return names[0] + ": " + detail
}
