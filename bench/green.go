package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"underlay/engine"
	"underlay/engine/probe"
	"underlay/engine/typist"
)

// greens measures how long after a command a task turns green. The clock starts
// when Enter is pressed, so that the command's own time is included.
func greens(ctx context.Context, c Config) (figures []Figure, err error) {
	state, err := greenAfter(ctx, c, engine.Lab{
		ID: "bench-state", Topology: twoNodes(),
		Tasks: []engine.Task{{ID: "up", Goal: "lo is down", Checks: []engine.Check{
			{Link: &engine.LinkCheck{Node: "a", Name: "eth0", State: "up"}},
		}}},
	}, atOnce)
	if err != nil {
		return nil, err
	}
	active, err := greenAfter(ctx, c, engine.Lab{
		ID: "bench-probe", Topology: twoNodes(),
		Tasks: []engine.Task{{ID: "ping", Goal: "a reaches b", Checks: []engine.Check{
			{Traffic: &engine.TrafficCheck{From: "a", To: "10.0.0.2", Proto: "icmp", Expect: engine.OK}},
		}}},
	}, atOnce)
	if err != nil {
		return nil, err
	}
	beside, err := greenAfter(ctx, c, losing(), func(ctx context.Context, s engine.Session) error {
		// Whoever asks is told why, before anything was tried.
		if _, err := s.Trace(ctx, engine.Flow{From: "c", To: "10.0.1.2", Proto: "udp", Port: 9}); err != nil {
			return err
		}
		return until(ctx, s, func(st *engine.Status) bool { return st.Tasks[1].Verdict.Text != "" })
	})
	if err != nil {
		return nil, err
	}
	during, err := greenAfter(ctx, c, losing(), func(ctx context.Context, s engine.Session) error {
		err := until(ctx, s, func(st *engine.Status) bool { return !st.Checking && st.Tasks[1].State == engine.Fail })
		time.Sleep(probe.DefaultWait / 2) // the autopsy waits by now
		return err
	})
	if err != nil {
		return nil, err
	}
	return []Figure{
		figure("command to green, state check", "ms", state, limit{p50: 30, p99: 120}),
		figure("command to green, with a probe", "ms", active, limit{p50: 150}),
		figure("command to green, another's failure explained", "ms", beside, limit{p50: 30, p99: 120}),
		figure("command to green, amid that autopsy", "ms", during, limit{p50: 30, p99: 120}),
	}, nil
}

// losing has a task that state decides, and one that fails for packets which are
// silently dropped.
func losing() engine.Lab {
	t := twoNodes()
	t.Nodes[1].Setup = []string{"iptables -A INPUT -p udp --dport 9 -j DROP"}
	t.Nodes = append(t.Nodes, engine.Node{Name: "c"})
	t.Links = append(t.Links, engine.Link{
		A: engine.End{Node: "c", Name: "eth0", Address: []string{"10.0.1.1/24"}},
		B: engine.End{Node: "b", Name: "eth1", Address: []string{"10.0.1.2/24"}},
	})
	return engine.Lab{
		ID: "bench-losing", Topology: t,
		Tasks: []engine.Task{
			{ID: "up", Goal: "eth0 is up", Checks: []engine.Check{{Link: &engine.LinkCheck{Node: "a", Name: "eth0", State: "up"}}}},
			{ID: "lost", Goal: "c reaches b", Checks: []engine.Check{
				{Traffic: &engine.TrafficCheck{From: "c", To: "10.0.1.2", Proto: "udp", Port: 9}},
			}},
		},
	}
}

// twoNodes is a cable whose end in a is down.
func twoNodes() engine.Topology {
	return engine.Topology{
		Nodes: []engine.Node{{Name: "a", Shell: true}, {Name: "b"}},
		Links: []engine.Link{{
			A: engine.End{Node: "a", Name: "eth0", Address: []string{"10.0.0.1/24"}, Down: true},
			B: engine.End{Node: "b", Name: "eth0", Address: []string{"10.0.0.2/24"}},
		}},
	}
}

// atOnce is for commands that need not wait for anything.
func atOnce(context.Context, engine.Session) error { return nil }

// greenAfter times how long the first task takes to turn green, from the
// beginning of a command that is typed once the lab is ready.
func greenAfter(ctx context.Context, c Config, lab engine.Lab, ready func(context.Context, engine.Session) error) (samples []float64, err error) {
	const runs = 25
	s, err := c.Opener.Open(ctx, &lab, nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	term, err := s.Shell(ctx, "a", engine.Size{Cols: 80, Rows: 24})
	if err != nil {
		return nil, err
	}
	ty := typist.New(term)
	if err := ty.WaitReady(ctx); err != nil {
		return nil, err
	}
	is := func(want engine.State) func(*engine.Status) bool {
		return func(st *engine.Status) bool { return st.Tasks[0].State == want }
	}
	for range runs {
		if err := ready(ctx, s); err != nil {
			return nil, err
		}
		begin := time.Now()
		if err := ty.Line(ctx, "ip link set eth0 up", time.Minute); err != nil {
			return nil, err
		}
		if err := until(ctx, s, is(engine.Pass)); err != nil {
			return nil, err
		}
		samples = append(samples, ms(time.Since(begin)))
		if err := ty.Line(ctx, "ip link set eth0 down", time.Minute); err != nil {
			return nil, err
		}
		if err := until(ctx, s, is(engine.Fail)); err != nil {
			return nil, err
		}
	}
	return samples, nil
}

// until waits until the lab stands as wanted.
func until(ctx context.Context, s engine.Session, wanted func(*engine.Status) bool) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		st := s.Status()
		if wanted(&st) {
			return nil
		}
		select {
		case <-s.Changed():
		case <-ctx.Done():
			return fmt.Errorf("lab %s does not come to stand as it should: %+v", s.Lab().ID, st.Tasks)
		}
	}
}
