package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"underlay/engine"
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
	})
	if err != nil {
		return nil, err
	}
	active, err := greenAfter(ctx, c, engine.Lab{
		ID: "bench-probe", Topology: twoNodes(),
		Tasks: []engine.Task{{ID: "ping", Goal: "a reaches b", Checks: []engine.Check{
			{Traffic: &engine.TrafficCheck{From: "a", To: "10.0.0.2", Proto: "icmp", Expect: engine.OK}},
		}}},
	})
	if err != nil {
		return nil, err
	}
	return []Figure{
		figure("command to green, state check", "ms", state, limit{p50: 30, p99: 120}),
		figure("command to green, with a probe", "ms", active, limit{p50: 150}),
	}, nil
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

func greenAfter(ctx context.Context, c Config, lab engine.Lab) (samples []float64, err error) {
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
	for range runs {
		begin := time.Now()
		if err := ty.Line(ctx, "ip link set eth0 up", time.Minute); err != nil {
			return nil, err
		}
		if err := until(ctx, s, engine.Pass); err != nil {
			return nil, err
		}
		samples = append(samples, ms(time.Since(begin)))
		if err := ty.Line(ctx, "ip link set eth0 down", time.Minute); err != nil {
			return nil, err
		}
		if err := until(ctx, s, engine.Fail); err != nil {
			return nil, err
		}
	}
	return samples, nil
}

// until waits until the lab's only task is in a state.
func until(ctx context.Context, s engine.Session, want engine.State) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		st := s.Status()
		if st.Tasks[0].State == want {
			return nil
		}
		select {
		case <-s.Changed():
		case <-ctx.Done():
			return fmt.Errorf("task %s is not %s: %s %s", st.Tasks[0].ID, want, st.Tasks[0].Got, st.Tasks[0].Why)
		}
	}
}
