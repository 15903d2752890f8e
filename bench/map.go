package bench

import (
	"context"
	"errors"
	"time"

	"underlay/engine"
	"underlay/topology"
)

// maps measures the map of a lab of twelve nodes: reading it from the kernel,
// drawing it for the first time, and drawing it again as it is drawn every
// second while it shows.
func maps(ctx context.Context, c Config) (figures []Figure, err error) {
	lab := &engine.Lab{ID: "map", Topology: *star(12)}
	for i := range lab.Topology.Nodes {
		lab.Topology.Nodes[i].Kind = engine.KindContainer
	}
	lab.Topology.Nodes[0].Kind = engine.KindHost
	s, err := c.Opener.Open(ctx, lab, nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	var reads, first, again []float64
	for range 100 {
		begin := time.Now()
		p, err := s.Picture(ctx)
		if err != nil {
			return nil, err
		}
		read := time.Now()
		d := topology.Layout(p, 120, 40, topology.Options{}, nil)
		drawn := time.Now()
		topology.Layout(p, 120, 40, topology.Options{}, d)
		reads = append(reads, ms(read.Sub(begin)))
		first = append(first, ms(drawn.Sub(read)))
		again = append(again, ms(time.Since(drawn)))
	}
	return []Figure{
		figure("read 12 nodes for the map", "ms", reads, limit{}),
		figure("draw the map for the first time", "ms", first, limit{p50: 16}),
		figure("draw the map again", "ms", again, limit{p99: 16}),
	}, nil
}
