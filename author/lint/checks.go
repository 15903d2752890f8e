package lint

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"underlay/course/format"
	"underlay/engine"
)

// exclusive are words of a goal that speak of everything else, too. "Not only" speaks
// of one thing more.
var exclusive = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)(\bnot )?\b(only|no other|no one else|nobody else|none else|nothing else|everything else|nowhere else|and no more)\b`)
})

// exclusiveWords returns the words of a goal that exclude all others, "" if it has none.
func exclusiveWords(goal string) string {
	for _, m := range exclusive().FindAllString(goal, -1) {
		if !strings.HasPrefix(strings.ToLower(m), "not ") {
			return m
		}
	}
	return ""
}

// wide demands of a goal that excludes all others checks that look at more than one of
// those: a sweep, a list of links, or attempts that must fail, at several things or by several callers.
func (c *checker) wide(s *format.Sheet, goal *string, checks []engine.Check) {
	words := exclusiveWords(*goal)
	if words == "" || looksWide(checks) {
		return
	}
	line, col := s.At(goal)
	c.errorf("wide", s.File, line, col, "the goal says %q, but its checks look at one other thing at most; give a traffic check a sweep, or say less", words)
}

// attempted is what traffic is about.
type attempted struct {
	from, to, proto string
	port            int
}

func looksWide(checks []engine.Check) bool {
	forbidden := map[attempted]bool{}
	for c := range engine.Walk(checks) {
		switch {
		case c.Traffic != nil && c.Traffic.Sweep != nil, c.Netns != nil && len(c.Netns.Links) > 0:
			return true
		case c.Traffic != nil && c.Traffic.Expect != engine.OK:
			forbidden[about(c.Traffic)] = true
		case c.Not != nil && c.Not.Traffic != nil:
			forbidden[about(c.Not.Traffic)] = true
		}
	}
	callers, things := map[string]bool{}, map[attempted]bool{}
	for f := range forbidden {
		callers[f.from] = true
		f.from = ""
		things[f] = true
	}
	return len(things) > 1 || len(callers) > 2
}

func about(t *engine.TrafficCheck) attempted { return attempted{t.From, t.To, t.Proto, t.Port} }

// evident demands of a misconception that something is there which it is recognised by.
// What only is absent has other causes as well.
func (c *checker) evident(m *engine.Misconception, at func(rule string, pointer any, format string, args ...any)) {
	if !slices.ContainsFunc(m.When, present) {
		at("absent", &m.ID, "misconception %q is recognised by nothing but what is absent, which may have another cause; add a check that something is there, or traffic that shows it", m.ID)
	}
}

// present reports whether a check that passes has found something: one that is no not.
func present(c engine.Check) bool {
	switch {
	case c.Not != nil:
		return c.Not.Not != nil && present(*c.Not.Not)
	case len(c.All) > 0:
		return slices.ContainsFunc(c.All, present)
	}
	return !slices.ContainsFunc(c.Any, func(one engine.Check) bool { return !present(one) })
}
