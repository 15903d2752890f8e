package check

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"underlay/engine"
	"underlay/engine/probe"
)

// A spread begins with few attempts at once: each that is answered takes a processor,
// and on a slow one many would keep one another waiting until they time out. One that
// nobody answers takes only time, so with each of those one more is under way, up to so
// many that time-outs do not add up to more than a learner waits for.
const (
	atFirst = 8
	abreast = 64
)

// patience is how many times as long as a single attempt the later ones of a
// spread may take. Among hundreds there is one that a busy machine keeps waiting,
// and where servers have answered before, silence is rare enough to be waited for.
const patience = 5

// nobody in Spread.Over stands for attempts that end in no answer.
const nobody = "none"

func spreadWords(s engine.Spread) string {
	if len(s.Over) == 1 && s.Servers <= 1 {
		return by(s.Over[0]) + " " + count(s.Tries, "try", "tries")
	}
	over := people(s.Over)
	for i, name := range over {
		if s.Servers > 0 && isPattern(name) {
			over[i] = fmt.Sprintf("%d servers %s", s.Servers, name)
		}
	}
	return fmt.Sprintf("spread over %s, at least %d of %d tries each", list(over), s.Each, s.Tries)
}

// isPattern reports whether a name stands for several servers.
func isPattern(name string) bool { return strings.HasSuffix(name, "*") }

func by(server string) string {
	if server == nobody {
		return "nobody answers any of"
	}
	return server + " answers each of"
}

// people is servers, with "nobody" for none of them.
func people(servers []string) []string {
	out := make([]string, len(servers))
	for i, s := range servers {
		out[i] = s
		if s == nobody {
			out[i] = "nobody"
		}
	}
	return out
}

// tally counts the attempts of a spread by who answered.
type tally struct {
	engine.Spread

	mu    sync.Mutex
	begun int
	by    []int               // how many each of Over has answered
	who   map[string]int      // the same by server, of those that a pattern in Over stands for
	mute  int                 // how many nobody has answered
	more  int                 // how many more are under way at once for that
	stray *attempt            // the first that ended otherwise
	asked engine.TrafficCheck // what stray was to do

	answered []probe.Outcome // of the attempts that somebody has answered
}

// next reports whether one more attempt is to be made.
func (t *tally) next() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.begun == t.Tries || t.stray != nil {
		return false
	}
	t.begun++
	return true
}

// another reports whether one more attempt may be under way at once from now on.
func (t *tally) another() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.more == min(t.mute, abreast-atFirst) {
		return false
	}
	t.more++
	return true
}

// place returns the index in Over of who answered an attempt, or -1.
func (t *tally) place(out probe.Outcome) int {
	for i, name := range t.Over {
		if name == nobody && out.Ended != engine.OK || out.Ended == engine.OK && out.Served != "" && servedBy(out.Served, name) {
			return i
		}
	}
	return -1
}

// counted is how many attempts ended as they may.
func (t *tally) counted() int {
	n := 0
	for _, by := range t.by {
		n += by
	}
	return n
}

// counts says who has answered how many: "web1 5", "web2 4", "web3 0". A pattern is
// told as the servers that it stood for.
func (t *tally) counts() []string {
	var words []string
	for i, name := range people(t.Over) {
		if !isPattern(name) || len(t.who) == 0 {
			words = append(words, fmt.Sprintf("%s %d", name, t.by[i]))
			continue
		}
		for _, server := range slices.Sorted(maps.Keys(t.who)) {
			words = append(words, fmt.Sprintf("%s %d", server, t.who[server]))
		}
	}
	return words
}

// spread makes many attempts and counts who answers them. It ends at the first
// that it does not have to expect. The first attempt is made alone: where nothing
// works yet, one is enough to see it.
func (r *run) spread(ctx context.Context, c engine.TrafficCheck) verdict {
	t := &tally{Spread: *c.Spread, by: make([]int, len(c.Spread.Over)), who: map[string]int{}}
	if c.DNAT == nil {
		return r.spreadOut(ctx, c, t)
	}
	var v verdict
	flows, err := r.w.Flows(ctx, c.DNAT.Node, func(ctx context.Context) error {
		v = r.spreadOut(ctx, c, t)
		return nil
	})
	if err != nil {
		return erred(err, c.DNAT.Node, "traffic.unable", args{Attempt: trafficSubject(c)})
	}
	for i := 0; i < len(t.answered) && v.State == engine.Pass; i++ {
		if wrong := r.destined(c, t.answered[i], flows); wrong.State == engine.Fail {
			return wrong
		}
	}
	return v
}

// spreadOut makes the attempts and judges what was counted.
func (r *run) spreadOut(ctx context.Context, c engine.TrafficCheck, t *tally) verdict {
	one := c
	one.Spread, one.DNAT = nil, nil
	trying, stop := context.WithCancel(ctx)
	defer stop()
	t.begun++
	r.take(t, one, stop, func(req probe.Request) (probe.Outcome, error) { return r.single(trying, req, expected(one)) })
	if one.Within == 0 {
		one.Within = patience * probe.DefaultWait
	}
	var wg sync.WaitGroup
	send := func(req probe.Request) (probe.Outcome, error) { return r.send(trying, req) }
	var work func()
	work = func() {
		for t.next() {
			if r.take(t, one, stop, send); t.another() {
				wg.Go(work)
			}
		}
	}
	r.crowd(func() {
		for range atFirst {
			wg.Go(work)
		}
		wg.Wait()
	})
	if t.stray != nil {
		return r.strayed(t)
	}
	return t.judge()
}

// take makes one attempt of a spread and counts it, or stops the others.
func (r *run) take(t *tally, one engine.TrafficCheck, stop func(), try func(probe.Request) (probe.Outcome, error)) {
	req := request(one)
	req.Banner, req.Reset = req.Wait, true
	out, err := try(req)
	t.mu.Lock()
	defer t.mu.Unlock()
	i := -1
	if err == nil {
		i = t.place(out)
	}
	good := out.Ended != engine.OK || r.mismatch(one, out).State != engine.Fail
	switch {
	case i >= 0 && good:
		t.by[i]++
		if out.Ended == engine.OK {
			t.answered = append(t.answered, out)
		}
		if out.Ended != engine.OK {
			t.mute++
		}
		if isPattern(t.Over[i]) {
			t.who[out.Served]++
		}
	case t.stray == nil:
		t.stray, t.asked = &attempt{out, err}, one
		stop()
	}
}

// strayed says what is wrong with the attempt that a spread does not allow. It is
// about traffic that can be repeated only if already the first was it: one that
// goes wrong now and then would most likely go well.
func (r *run) strayed(t *tally) verdict {
	v := r.judge(t.asked, *t.stray)
	if v.State == engine.Pass { // all is well with it but who answered
		v = servedByAnother(t.asked, t.stray.out).about(v.flow, v.ended)
	}
	if n := t.counted(); n > 0 && v.State == engine.Fail {
		v = v.with(func(a *args) { a.Tries, a.Found = n, t.counts() }).about(engine.Flow{}, "")
	}
	return v
}

// judge compares what was counted with the least that each must have answered.
func (t *tally) judge() verdict {
	a := args{Tries: t.Tries, Found: t.counts()}
	for i, name := range t.Over {
		switch n := t.by[i]; {
		case n >= t.Each:
		case n == 0 && name == nobody:
			return fail("spread.all-answered", a)
		case n == 0:
			a.Name = name
			return fail("spread.absent", a)
		case name == nobody:
			a.Wanted = t.Each
			return fail("spread.too-few-silent", a)
		default:
			return t.tooFew(name, a)
		}
	}
	return t.judgeServers(a)
}

// judgeServers judges the servers that a pattern stands for: how many there are,
// and that each has its share.
func (t *tally) judgeServers(a args) verdict {
	if t.Servers == 0 {
		return pass("spread", a)
	}
	if n := len(t.who); n != t.Servers {
		a.Count, a.Wanted = n, t.Servers
		return fail("spread.servers", a)
	}
	for _, server := range slices.Sorted(maps.Keys(t.who)) {
		if t.who[server] < t.Each {
			return t.tooFew(server, a)
		}
	}
	return pass("spread", a)
}

func (t *tally) tooFew(server string, a args) verdict {
	a.Name, a.Wanted = server, t.Each
	return fail("spread.too-few", a)
}
