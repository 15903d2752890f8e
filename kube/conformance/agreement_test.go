package conformance

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mattfenwick/cyclonus/pkg/connectivity/probe"
	"github.com/mattfenwick/cyclonus/pkg/generator"

	"underlay/kube/internal/testcluster"
)

// rounds is how often a question is asked whose answer is not as wanted:
// packets are lost on a busy machine, and nodes learn of labels and addresses
// by other ways than of policies.
const rounds = 6

// A result is a question of a case, and whether the answer to it was right at
// once.
type result struct {
	*question
	job   *probe.Job
	again bool
}

func (r *result) agrees() bool { return r.got == r.want && r.failed == nil }

// Itself says whether a pod talks to itself, which no policy can forbid.
func (r *result) itself() bool { return r.job.FromKey == r.job.ToKey }

func (s *state) ask(t *testing.T, config *generator.ProbeConfig) (results []*result) {
	t.Helper()
	here := *config
	here.Mode = generator.ProbeModePodIP
	allowed := s.truth()
	builder := probe.JobBuilder{}
	for _, job := range builder.GetJobsForProbeConfig(s.now, &here).Valid {
		r := &result{job: job, question: &question{
			from: space(job.FromNamespace, job.FromPod), server: job.ToKey, udp: job.Protocol == protocols[1],
			to: netip.AddrPortFrom(address(t, job.ToIP), uint16(job.ResolvedPort)),
		}}
		r.want = r.itself() || allowed(job)
		results = append(results, r)
	}
	left := results
	for round := range rounds {
		time.Sleep(time.Duration(round) * 100 * time.Millisecond)
		var questions []*question
		for _, r := range left {
			r.again = round > 0
			questions = append(questions, r.question)
		}
		ask(t, questions)
		left = slices.DeleteFunc(slices.Clone(left), (*result).agrees)
		if len(left) == 0 {
			break
		}
	}
	return results
}

// Space is the network namespace of a pod.
func space(namespace, pod string) string { return namespace + "." + pod }

func address(t *testing.T, text string) netip.Addr {
	t.Helper()
	a, err := netip.ParseAddr(text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// A count is how often the cluster and cyclonus agree.
// Lost and late are those that only agreed when they were asked again: an answer
// was missing, or there was one that should not be.
type count struct{ cases, asked, allowed, agreed, lost, late int }

func (c *count) add(r *result) {
	c.asked++
	if r.want {
		c.allowed++
	}
	if r.agrees() {
		c.agreed++
	}
	switch {
	case r.again && r.want:
		c.lost++
	case r.again:
		c.late++
	}
}

func (c *count) row(names ...string) []string {
	percent := "–"
	if c.asked > 0 {
		percent = strconv.FormatFloat(100*float64(c.agreed)/float64(c.asked), 'f', 2, 64) + " %"
	}
	row := slices.Clone(names)
	for _, n := range []int{c.cases, c.asked, c.allowed, c.agreed} {
		row = append(row, strconv.Itoa(n))
	}
	return append(row, percent, strconv.Itoa(c.lost), strconv.Itoa(c.late))
}

var head = []string{"cases", "connections", "allowed", "agreed", "agreement", "lost", "late"}

// An agreement counts by feature, which is cyclonus' word for what a case is about.
type agreement struct {
	byTag      map[string]*count
	byProtocol map[string]*count
	itself     count
	all        count
}

func newAgreement() *agreement {
	return &agreement{byTag: map[string]*count{}, byProtocol: map[string]*count{}}
}

// Add counts what came of a step of a case, and tells of each difference.
func (a *agreement) add(t *testing.T, test *generator.TestCase, step int, results []*result) {
	t.Helper()
	for tag := range test.Tags {
		if step == 0 {
			at(a.byTag, tag).cases++
		}
	}
	if step == 0 {
		a.all.cases++
	}
	for _, r := range results {
		if !r.agrees() {
			t.Errorf("%s (%s), step %d: %s to %s, %s port %d: cyclonus says %v; answered: %v %v",
				test.Description, strings.Join(test.Tags.Keys(), ", "), step+1, r.job.FromKey, r.job.ToKey,
				r.job.Protocol, r.job.ResolvedPort, r.want, r.got, r.failed)
		}
		if r.itself() {
			a.itself.add(r)
			continue
		}
		a.all.add(r)
		at(a.byProtocol, string(r.job.Protocol)).add(r)
		for tag := range test.Tags {
			at(a.byTag, tag).add(r)
		}
	}
}

func at(counts map[string]*count, key string) *count {
	if counts[key] == nil {
		counts[key] = &count{}
	}
	return counts[key]
}

// Features is the table by feature: a kind of them, and each of that kind.
func (a *agreement) features() testcluster.Table {
	table := testcluster.Table{append([]string{"kind", "feature"}, head...)}
	var kinds []string
	for kind := range generator.AllTags {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	for _, kind := range kinds {
		if c := a.byTag[kind]; c != nil {
			table = append(table, c.row(kind, "all"))
		}
		for _, tag := range generator.AllTags[kind] {
			if c := a.byTag[tag]; c != nil {
				table = append(table, c.row("", tag))
			}
		}
	}
	return table
}

// Totals is the table of all that was asked.
func (a *agreement) totals() testcluster.Table {
	table := testcluster.Table{append([]string{"total"}, head...)}
	for _, protocol := range protocols {
		c := at(a.byProtocol, string(protocol))
		c.cases = a.all.cases
		table = append(table, c.row(fmt.Sprintf("by %s", protocol)))
	}
	a.itself.cases = a.all.cases
	return append(table, a.all.row("pod to pod"), a.itself.row("a pod to itself"))
}
