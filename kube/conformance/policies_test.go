package conformance

import (
	"cmp"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/mattfenwick/cyclonus/pkg/generator"

	"underlay/kube/internal/testcluster"
	"underlay/kube/internal/world"
)

func TestMain(m *testing.M) { os.Exit(world.Main(m)) }

// everything is set in the environment to try all cases on all networks,
// instead of some on one.
const everything = "KUBE_TEST_POLICIES"

// TestPolicies applies what cyclonus generates, and counts how often the
// cluster and cyclonus agree on whether a connection comes about.
func TestPolicies(t *testing.T) {
	networks := []string{"bridge"}
	all := os.Getenv(everything) == "all"
	if all {
		networks = []string{"bridge", "flannel", "calico"}
	}
	for _, cni := range networks {
		t.Run(cni, func(t *testing.T) {
			c := testcluster.Open(t, testcluster.Settings{Proxy: "nftables", CNI: cni, Policy: true})
			s := newState(t, c)
			cases := s.cases(t)
			total := len(cases)
			if !all {
				cases = choose(cases)
			}
			begin, a := time.Now(), newAgreement()
			for _, test := range cases {
				s.reset(t)
				for i, step := range test.Steps {
					for _, action := range step.Actions {
						s.do(t, action)
					}
					s.light(t)
					a.add(t, test, i, s.ask(t, step.Probe))
				}
			}
			t.Logf("Agreement with cyclonus on %s: %d of its %d cases in %v\n%s\n%s",
				cni, len(cases), total, time.Since(begin).Round(time.Second), a.features(), a.totals())
		})
	}
}

// every is how many cases there are for one that is chosen beyond those that
// cover all features.
const every = 40

// Choose returns few cases that have every feature, and some more.
func choose(cases []*generator.TestCase) (chosen []*generator.TestCase) {
	missing := map[string]bool{}
	for _, c := range cases {
		for tag := range c.Tags {
			missing[tag] = true
		}
	}
	fresh := func(c *generator.TestCase) (n int) {
		for tag := range c.Tags {
			if missing[tag] {
				n++
			}
		}
		return n
	}
	take := map[*generator.TestCase]bool{}
	for len(missing) > 0 {
		best := slices.MaxFunc(cases, func(a, b *generator.TestCase) int { return cmp.Compare(fresh(a), fresh(b)) })
		take[best] = true
		for tag := range best.Tags {
			delete(missing, tag)
		}
	}
	for i, c := range cases {
		if take[c] || i%every == 0 {
			chosen = append(chosen, c)
		}
	}
	return chosen
}
