package format

import (
	"math"
	"slices"
	"strings"

	"underlay/engine"
)

// maxTries is the most attempts that one check may make: with a server of ours
// they take about half a second.
const maxTries = 2000

// chance is how likely a check may fail although the choice is fair.
const chance = 1e-6

// checkSpread demands that a spread tells what is fair from what is not, and
// fills in the share of each server.
func (v *validator) checkSpread(t *engine.TrafficCheck) {
	s := t.Spread
	v.checkSpreadAlone(t)
	if s.Tries < 1 || len(s.Over) == 0 {
		return // told already
	}
	servers := len(s.Over) - 1 + max(1, s.Servers)
	most := fairShare(s.Tries, servers)
	switch {
	case most == 0:
		v.errorf(v.at(&s.Tries), "%d tries over %d servers prove nothing, because chance alone may leave one of them out; make at least %d",
			s.Tries, servers, fewestTries(servers))
	case s.Each > most:
		v.errorf(v.at(&s.Each), "each is too much: of %d tries over %d servers, chance alone gives one fewer than %d now and then; %d is the most",
			s.Tries, servers, s.Each, most)
	case s.Each == 0:
		s.Each = most
	}
}

// checkSpreadAlone refuses what does not go together with a spread, and
// servers that are not there.
func (v *validator) checkSpreadAlone(t *engine.TrafficCheck) {
	s := t.Spread
	switch {
	case t.Proto == "icmp":
		v.errorf(v.at(s), "spread needs servers that say who they are; icmp has none")
	case t.Expect != engine.OK && t.Expect != "":
		v.errorf(v.at(s), "spread needs expect: ok, this is %s", t.Expect)
	case t.Served != "":
		v.errorf(v.at(&t.Served), "served says who answers a single try; name the servers in spread: {over: […]} alone")
	case t.Hold != 0:
		v.errorf(v.at(&t.Hold), "hold is for a single try; a spread makes many of its own")
	}
	known, patterns := v.workloadNames(), 0
	for i := range s.Over {
		name := s.Over[i]
		if strings.HasSuffix(name, "*") {
			patterns++
		}
		if slices.Contains(s.Over[:i], name) {
			v.errorf(v.at(&s.Over[i]), "%q is there twice; each server is named once", name)
		}
		if name != "none" && !slices.Contains(known, name) && v.lab.Cluster == nil { // pods bring theirs
			v.errorf(v.at(&s.Over[i]), "unknown workload %q; workloads here: %s%s", name, listed(known), meant(name, known))
		}
	}
	if s.Servers != 0 && patterns != 1 {
		v.errorf(v.at(&s.Servers), "servers counts those that a name with * in over stands for, such as web-*; there must be one such name")
	}
}

// fairShare is the most that each of some servers is sure to get of so many
// tries when each try chooses one of them at random, all alike: less than once in
// a million times one of them gets fewer. It is 0 if that is less than one.
func fairShare(tries, servers int) int {
	p, below, n := 1/float64(servers), 0.0, 0
	for ; n <= tries; n++ {
		below += binomial(tries, n, p)
		if below*float64(servers) >= chance {
			break
		}
	}
	return min(n, tries)
}

// binomial is how likely just k of n tries have an outcome of probability p.
func binomial(n, k int, p float64) float64 {
	if p == 1 && k == n {
		return 1
	} else if p == 1 {
		return 0
	}
	logFactorial := func(x int) float64 {
		l, _ := math.Lgamma(float64(x) + 1)
		return l
	}
	return math.Exp(logFactorial(n) - logFactorial(k) - logFactorial(n-k) +
		float64(k)*math.Log(p) + float64(n-k)*math.Log(1-p))
}

// fewestTries is how many tries it takes until no server is left out by chance.
func fewestTries(servers int) int {
	n := servers
	for fairShare(n, servers) == 0 && n < maxTries {
		n++
	}
	return n
}
