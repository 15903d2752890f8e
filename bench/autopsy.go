package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"underlay/engine"
	"underlay/engine/probe"
)

// autopsies measures how long it takes to follow a packet: one that is answered,
// one that is refused, and one that is silently dropped, of which the wait for
// an answer is told apart.
func autopsies(ctx context.Context, c Config) (figures []Figure, err error) {
	const runs = 25
	t := star(4)
	t.Nodes[0].Setup = []string{"iptables -A INPUT -p tcp --dport 7 -j DROP"}
	t.Workloads = []engine.Workload{{Node: "host", Kind: "tcp", Listen: ":9000"}}
	s, err := c.Opener.Open(ctx, &engine.Lab{ID: "bench-autopsy", Topology: *t}, nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for _, a := range []struct {
		name  string
		port  int
		ends  engine.Ending
		wait  time.Duration // that is not the autopsy's own
		limit limit
	}{
		{"autopsy, delivered", 9000, engine.EndingDelivered, 0, limit{p99: 250}},
		{"autopsy, refused", 9001, engine.EndingRefused, 0, limit{p99: 250}},
		{"autopsy, dropped, beyond its wait", 7, engine.EndingDropped, probe.DefaultWait, limit{p99: 150}},
	} {
		var samples []float64
		for range runs {
			begin := time.Now()
			found, err := s.Trace(ctx, engine.Flow{From: "c1", To: "10.0.0.1", Proto: "tcp", Port: a.port})
			if err != nil {
				return nil, err
			}
			samples = append(samples, ms(time.Since(begin)-a.wait))
			if found.Outcome != a.ends {
				return nil, fmt.Errorf("%s: it was %s: %s", a.name, found.Outcome, found.Verdict.Text)
			}
		}
		figures = append(figures, figure(a.name, "ms", samples, a.limit))
	}
	return figures, nil
}
