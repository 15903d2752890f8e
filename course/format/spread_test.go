package format

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestFairShare compares with what is known: by hand where that is easy, else
// by adding up the tail in another way.
func TestFairShare(t *testing.T) {
	for _, c := range []struct{ tries, servers, want int }{
		{1, 1, 1}, {30, 1, 30},
		{20, 2, 0},   // 2·2^-20 is 1.9 in a million
		{21, 2, 1},   // 2·2^-21 is 0.95, and one more makes it 22 times that
		{1, 3, 0},    //
		{60, 3, 4},   //
		{150, 3, 23}, //
		{1000, 3, 261},
		{1000, 2, 423},
		{2000, 5, 312},
	} {
		got := fairShare(c.tries, c.servers)
		if got != c.want {
			t.Errorf("%d tries over %d: %d, want %d", c.tries, c.servers, got, c.want)
		}
		if below := float64(c.servers) * tail(c.tries, c.servers, got-1); below >= chance {
			t.Errorf("%d tries over %d: fewer than %d come with a chance of %g", c.tries, c.servers, got, below)
		}
		if above := float64(c.servers) * tail(c.tries, c.servers, got); got < c.tries && above < chance {
			t.Errorf("%d tries over %d: %d could be asked for, the chance is %g", c.tries, c.servers, got+1, above)
		}
	}
}

// tail is how likely at most k of n tries go to one of so many servers: Pascal's
// rule, one try after another.
func tail(n, servers, k int) float64 {
	p := make([]float64, n+1)
	p[0] = 1
	for range n {
		for i := n; i >= 0; i-- {
			p[i] *= 1 - 1/float64(servers)
			if i > 0 {
				p[i] += p[i-1] / float64(servers)
			}
		}
	}
	sum := 0.0
	for i := 0; i <= k; i++ {
		sum += p[i]
	}
	return sum
}

// TestSpreadTellsLaddersApart: what the least share is there for. Fair dice never
// fall short, and each wrong ladder of probabilities does.
func TestSpreadTellsLaddersApart(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	least := func(ladder []float64) int { // how many of 1000 tries the worst off of three gets
		got := make([]int, 4) // the fourth is for tries that no rule takes
		for range 1000 {
			i := 0
			for i < 3 && r.Float64() >= ladder[i] {
				i++
			}
			got[i]++
		}
		return min(got[0], got[1], got[2])
	}
	each := fairShare(1000, 3)
	for range 2000 {
		if n := least([]float64{1. / 3, 0.5, 1}); n < each {
			t.Fatalf("a fair choice gave %d, fewer than %d", n, each)
		}
	}
	for name, ladder := range map[string][]float64{
		"a third twice":        {1. / 3, 1. / 3, 1},
		"a third three times":  {0.33, 0.33, 0.33},
		"the first takes all":  {1, 1, 1},
		"the last one starves": {0.5, 0.7, 1},
		"one is left out":      {0.5, 1, 1},
	} {
		missed := 0
		for range 500 {
			if least(ladder) >= each {
				missed++
			}
		}
		if missed > 5 {
			t.Errorf("%s: not told from a fair choice in %d of 500", name, missed)
		}
	}
}

func TestBinomialAddsUp(t *testing.T) {
	for _, p := range []float64{0.5, 1. / 3, 0.01, 1} {
		sum := 0.0
		for k := range 501 {
			sum += binomial(500, k, p)
		}
		if math.Abs(sum-1) > 1e-9 {
			t.Errorf("p %g: the chances add up to %.12f", p, sum)
		}
	}
}

// TestSpreadIsFilledIn: the share that a lab leaves out is computed, and one that
// it gives stays.
func TestSpreadIsFilledIn(t *testing.T) {
	const given = "spread: {over: [b], tries: 60}"
	for text, want := range map[string]int{
		given:                                  60,
		"spread: {over: [b, none], tries: 60}": 12,
		"spread: {over: [b, none], tries: 60, each: 5}": 5,
	} {
		yaml := strings.Replace(sampleSpread, given, text, 1)
		c, err := Load(solveOnly(yaml), 0)
		if err != nil {
			t.Fatal(err)
		}
		lab, err := c.Lab("sample")
		if err != nil {
			t.Fatal(err)
		}
		if got := lab.Tasks[0].Checks[0].Traffic.Spread.Each; got != want {
			t.Errorf("%s: each is %d, want %d", text, got, want)
		}
	}
}

// TestSpreadOverPods: in a lab with a cluster a name may stand for several servers,
// which count as so many when the share is computed.
func TestSpreadOverPods(t *testing.T) {
	const web = "{from: toolbox, to: web, proto: http}"
	load := func(spread string) (*Catalogue, error) {
		return Load(clusterFolder(strings.Replace(clusterLab, web, "{from: toolbox, to: web, proto: http, spread: "+spread+"}", 1)), 0)
	}
	for spread, want := range map[string]int{
		`{over: ["web-*"], servers: 3, tries: 60}`:       4,
		`{over: ["web-*", none], servers: 3, tries: 60}`: 1,
		`{over: ["web-*"], tries: 60}`:                   60,
	} {
		c, err := load(spread)
		if err != nil {
			t.Fatal(err)
		}
		if got := all(t, c)[0].Tasks[0].Checks[0].Traffic.Spread.Each; got != want {
			t.Errorf("%s: each is %d, want %d", spread, got, want)
		}
	}
	for spread, want := range map[string]string{
		`{over: ["web-*"], servers: 3, tries: 20}`:          "20 tries over 3 servers prove nothing",
		`{over: [web], servers: 3, tries: 60}`:              "servers counts those that a name with * in over stands for",
		`{over: ["web-*", "db-*"], servers: 3, tries: 600}`: "there must be one such name",
	} {
		if _, err := load(spread); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", spread, err, want)
		}
	}
}

const sampleSpread = `id: sample
title: A sample
module: bridge
summary: Two machines and a cable.
minutes: 5
nodes:
  - {name: a, kind: host, shell: true}
  - {name: b, kind: container}
links:
  - {a: {node: a, name: eth0, address: 10.0.0.1/24}, b: {node: b, name: eth0, address: 10.0.0.2/24}}
workloads:
  - {node: b, kind: http, listen: ":80"}
tasks:
  - id: ping
    goal: a calls b.
    checks:
      - traffic: {from: a, to: 10.0.0.2, proto: http, spread: {over: [b], tries: 60}}
    hints: {symptom: No answer., layer: The cable., command: ip link, solution: ip link set eth0 up}
`
