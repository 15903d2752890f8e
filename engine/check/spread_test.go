package check

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"underlay/engine"
	"underlay/engine/probe"
)

const vip = "c1 http 10.96.0.10:80/"

func overTwo(tries, each int) engine.TrafficCheck {
	return engine.TrafficCheck{From: "c1", To: "10.96.0.10", Port: 80, Proto: "http",
		Spread: &engine.Spread{Over: []string{"web1", "web2"}, Tries: tries, Each: each}}
}

// answering makes the attempts at the Service end one after the other as listed,
// and again from the beginning.
func answering(outs ...probe.Outcome) func(*fake) {
	return func(w *fake) {
		w.onProbe = func(f *fake, key string) { f.outcomes[key] = outs[(f.attempts[key]-1)%len(outs)] }
	}
}

func reply(by string) probe.Outcome {
	return probe.Outcome{Ended: engine.OK, Served: by, SeenAs: "172.17.0.2", Status: 200}
}

func TestSpread(t *testing.T) {
	silence, refusal := probe.Outcome{Ended: engine.Timeout}, probe.Outcome{Ended: engine.Refused}
	change := func(tries, each int, change func(*engine.TrafficCheck)) engine.TrafficCheck {
		c := overTwo(tries, each)
		change(&c)
		return c
	}
	over := func(names ...string) func(*engine.TrafficCheck) {
		return func(c *engine.TrafficCheck) { c.Spread.Over = names }
	}
	pods := func(servers int, more ...string) func(*engine.TrafficCheck) {
		return func(c *engine.TrafficCheck) {
			c.Spread.Over, c.Spread.Servers = append([]string{"web-*"}, more...), servers
		}
	}
	rows := []struct {
		name      string
		check     engine.TrafficCheck
		with      func(*fake)
		state     engine.State
		got, why  string
		attempted int
	}{
		{"evenly", overTwo(40, 20), answering(reply("web1"), reply("web2")), engine.Pass,
			"of 40 tries: web1 20 and web2 20", "", 40},
		{"each its least", overTwo(40, 10), answering(reply("web1"), reply("web1"), reply("web1"), reply("web2")), engine.Pass,
			"of 40 tries: web1 30 and web2 10", "", 40},
		{"one too few", overTwo(40, 11), answering(reply("web1"), reply("web1"), reply("web1"), reply("web2")), engine.Fail,
			"of 40 tries: web1 30 and web2 10", "Too few for web2, whose share is 11 or more.", 40},
		{"one left out", overTwo(40, 1), answering(reply("web1")), engine.Fail,
			"of 40 tries: web1 40 and web2 0", "web2 answered none of them.", 40},
		{"silence at once", overTwo(40, 1), answering(silence), engine.Fail,
			"no answer in 600 ms", "", 1},
		{"refused at once", overTwo(40, 1), answering(refusal), engine.Fail,
			"refused", "", 1},
		{"all by one", change(8, 8, over("web1")), answering(reply("web1")), engine.Pass,
			"of 8 tries: web1 8", "", 8},
		{"a stranger", overTwo(40, 1), answering(reply("db")), engine.Fail,
			"reached, but db answered", "", 1},
		{"somebody", overTwo(40, 1), answering(probe.Outcome{Ended: engine.OK}), engine.Fail,
			"reached, but something other than this lab's server answered", "", 1},
		{"seen as another", change(40, 1, func(c *engine.TrafficCheck) { c.SeenAs = "172.17.0.9" }), answering(reply("web1")), engine.Fail,
			"reached, but the server saw 172.17.0.2", "172.17.0.2 is the address of eth0 in c1 itself: nothing on the way rewrote the source.", 1},
		{"one with another status", change(40, 1, func(c *engine.TrafficCheck) { c.HTTP = &engine.HTTP{Status: 200} }),
			answering(probe.Outcome{Ended: engine.OK, Served: "web2", SeenAs: "172.17.0.2", Status: 503}), engine.Fail,
			"reached, but the server answered with status 503", "", 1},
		{"one without the text", change(40, 1, func(c *engine.TrafficCheck) { c.Body = "v2" }), answering(reply("web1")), engine.Fail,
			`reached, but the reply does not contain "v2"`, "", 1},
		{"seen as itself", change(40, 1, func(c *engine.TrafficCheck) { c.SeenAs = "172.17.0.2" }), answering(reply("web1"), reply("web2")), engine.Pass,
			"of 40 tries: web1 20 and web2 20", "", 40},
		{"nobody is one of them", change(30, 10, over("web1", "none", "web2")), answering(reply("web1"), silence, refusal, reply("web2")), engine.Fail,
			"of 30 tries: web1 8, nobody 15 and web2 7", "Too few for web1, whose share is 10 or more.", 30},
		{"three pods", change(60, 4, pods(3)), answering(reply("web-c"), reply("web-a"), reply("web-b")), engine.Pass,
			"of 60 tries: web-a 20, web-b 20 and web-c 20", "", 60},
		{"a pod too few", change(60, 4, pods(3)), answering(reply("web-a"), reply("web-b")), engine.Fail,
			"of 60 tries: web-a 30 and web-b 30", "2 servers answered, not 3.", 60},
		{"a pod too many", change(60, 4, pods(1)), answering(reply("web-a"), reply("web-b")), engine.Fail,
			"of 60 tries: web-a 30 and web-b 30", "2 servers answered, not 1.", 60},
		{"a pod without its share", change(60, 16, pods(2)), answering(reply("web-a"), reply("web-a"), reply("web-a"), reply("web-b")), engine.Fail,
			"of 60 tries: web-a 45 and web-b 15", "Too few for web-b, whose share is 16 or more.", 60},
		{"pods and nobody", change(60, 4, pods(2, "none")), answering(reply("web-a"), silence, reply("web-b")), engine.Pass,
			"of 60 tries: web-a 20, web-b 20 and nobody 20", "", 60},
		{"no pod", change(60, 4, pods(2, "none")), answering(silence), engine.Fail,
			"of 60 tries: web-* 0 and nobody 60", "web-* answered none of them.", 60},
		{"the world is gone", overTwo(40, 1), gone, engine.Broken, "", "Could not try c1 → http://10.96.0.10:80/: the world is gone.", 1},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			w := newFake()
			r.with(w)
			got := one(t, w, traffic(r.check))
			if got.State != r.state || got.Got != r.got || got.Why != r.why {
				t.Errorf("%s\n got %q, %q\nwant %q, %q", got.State, got.Got, got.Why, r.got, r.why)
			}
			// An autopsy can repeat the attempt only if it was the first.
			want := engine.Flow{}
			if r.state == engine.Fail && r.attempted == 1 {
				want = engine.Flow{From: "c1", To: "10.96.0.10", Proto: "http", Port: 80}
			}
			if got.Flow != want {
				t.Errorf("about %+v, want %+v", got.Flow, want)
			}
			if n := w.count(vip); n != r.attempted {
				t.Errorf("%d attempts, want %d", n, r.attempted)
			}
		})
	}
}

// TestSpreadEndsAtTheFirstStray: silence in between ends it, and is told with
// what went before.
func TestSpreadEndsAtTheFirstStray(t *testing.T) {
	w := newFake()
	w.onProbe = func(f *fake, key string) {
		f.outcomes[key] = reply("web1")
		if f.attempts[key] == 12 {
			f.outcomes[key] = probe.Outcome{Ended: engine.Timeout}
		}
	}
	got := one(t, w, traffic(overTwo(500, 1)))
	if n := w.count(vip); n < 12 || n > 12+2*atFirst {
		t.Errorf("%d attempts, want little more than 12", n)
	}
	if got.State != engine.Fail || !strings.HasPrefix(got.Got, "no answer in 3 s, after ") || got.Flow != (engine.Flow{}) {
		t.Errorf("got %+v", got)
	}
}

// crowded is a world in which each attempt takes a second. It counts those under way.
type crowded struct {
	*fake
	mu        sync.Mutex
	now, most int // attempts under way at once
}

func (c *crowded) Probe(ctx context.Context, r probe.Request) (probe.Outcome, error) {
	c.mu.Lock()
	c.now++
	c.most = max(c.most, c.now)
	c.mu.Unlock()
	time.Sleep(time.Second)
	c.mu.Lock()
	c.now--
	c.mu.Unlock()
	return c.fake.Probe(ctx, r)
}

// TestSpreadIsGentle: a spread that is answered keeps few attempts under way at once, so
// that they are not late on a slow machine; one that is not answered does not wait for
// one time-out after the other.
func TestSpreadIsGentle(t *testing.T) {
	for name, c := range map[string]struct {
		outcome probe.Outcome
		most    int           // attempts at once
		within  time.Duration // of fake time
	}{
		"answered": {reply("web1"), atFirst, (1 + 200/atFirst + 1) * time.Second},
		"mute":     {probe.Outcome{Ended: engine.Timeout}, abreast, 8 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &crowded{fake: newFake()}
				answering(c.outcome)(w.fake)
				check := overTwo(200, 0)
				check.Spread.Over = append(check.Spread.Over, nobody)
				began := time.Now()
				if got := one(t, w, traffic(check)); got.State != engine.Pass || w.count(vip) != 200 {
					t.Errorf("%d attempts, %+v", w.count(vip), got)
				}
				if took := time.Since(began); took > c.within || w.most > c.most {
					t.Errorf("%d at once, in %v; want at most %d, in %v", w.most, took, c.most, c.within)
				}
			})
		})
	}
}

// TestSpreadRequests looks at what is asked of the world: later attempts are
// given more time, unless the check says how much.
func TestSpreadRequests(t *testing.T) {
	for within, want := range map[string][2]string{"": {"600ms", "3s"}, "300ms": {"300ms", "300ms"}} {
		c := overTwo(30, 1)
		if within != "" {
			c.Within = probe.DefaultWait / 2
		}
		w := &recorder{fake: newFake()}
		answering(reply("web1"), reply("web2"))(w.fake)
		New(&engine.Lab{Tasks: []engine.Task{{ID: "t", Checks: []engine.Check{traffic(c)}}}}).Evaluate(context.Background(), w)
		for i, r := range w.requests {
			if wait := r.Wait.String(); wait != want[min(i, 1)] {
				t.Errorf("within %q: attempt %d waits %s, want %s", within, i+1, wait, want[min(i, 1)])
			}
			if !r.Reset || r.Banner != r.Wait {
				t.Errorf("attempt %d: got %+v", i+1, r)
			}
		}
		if len(w.requests) != 30 {
			t.Errorf("%d attempts, want 30", len(w.requests))
		}
	}
}

// recorder keeps what is asked for.
type recorder struct {
	*fake
	requests []probe.Request
}

func (r *recorder) Probe(ctx context.Context, req probe.Request) (probe.Outcome, error) {
	r.mu.Lock()
	r.requests = append(r.requests, req)
	r.mu.Unlock()
	return r.fake.Probe(ctx, req)
}

// TestEqualSpreadsAreMadeOnce, like any traffic, and different ones are not.
func TestEqualSpreadsAreMadeOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newFake()
		answering(reply("web1"), reply("web2"))(w)
		same, other := overTwo(20, 1), overTwo(20, 2)
		got := New(&engine.Lab{Tasks: []engine.Task{
			{ID: "a", Checks: []engine.Check{traffic(overTwo(20, 1)), traffic(same)}},
			{ID: "b", Checks: []engine.Check{traffic(other)}},
		}}).Evaluate(context.Background(), w)
		if got.Tasks[0].State != engine.Pass || got.Tasks[1].State != engine.Pass || w.count(vip) != 40 {
			t.Errorf("%d attempts, want 40; got %+v", w.count(vip), got.Tasks)
		}
	})
}

func TestSpreadWords(t *testing.T) {
	const begin = "c1 → http://10.96.0.10:80/ answers, "
	for want, c := range map[string]engine.Spread{
		begin + "spread over web1 and web2, at least 5 of 40 tries each":         {Over: []string{"web1", "web2"}, Tries: 40, Each: 5},
		begin + "spread over web1, web2 and nobody, at least 1 of 90 tries each": {Over: []string{"web1", "web2", "none"}, Tries: 90, Each: 1},
		begin + "web1 answers each of 30 tries":                                  {Over: []string{"web1"}, Tries: 30, Each: 30},
		begin + "nobody answers any of 20 tries":                                 {Over: []string{"none"}, Tries: 20, Each: 20},
	} {
		check := overTwo(1, 1)
		check.Spread = &c
		if got := Describe(traffic(check)); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
