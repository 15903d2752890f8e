package check

import (
	"context"
	"slices"
	"strings"

	"underlay/engine"
)

// The kinds that are made of other checks. What those need is found by Walk.

var allKind = spec[[]engine.Check]{
	of: func(c *engine.Check) *[]engine.Check { return nonempty(&c.All) },
	judge: func(ctx context.Context, r *run, s scope, all []engine.Check) verdict {
		return allOf(r.list(ctx, s, all))
	},
	describe: func(all []engine.Check) string { return describeList(all, "; ") },
}.kind()

var anyKind = spec[[]engine.Check]{
	of: func(c *engine.Check) *[]engine.Check { return nonempty(&c.Any) },
	judge: func(ctx context.Context, r *run, s scope, alternatives []engine.Check) verdict {
		return anyOf(r.list(ctx, s, alternatives))
	},
	describe: func(alternatives []engine.Check) string { return describeList(alternatives, ", or ") },
}.kind()

var notKind = spec[engine.Check]{
	of: func(c *engine.Check) *engine.Check { return c.Not },
	judge: func(ctx context.Context, r *run, s scope, c engine.Check) verdict {
		v := negate(r.check(ctx, s, c))
		v.Want = describeNot(c)
		return v
	},
	describe: describeNot,
}.kind()

func nonempty(checks *[]engine.Check) *[]engine.Check {
	if len(*checks) == 0 {
		return nil
	}
	return checks
}

func describeNot(c engine.Check) string { return "not: " + Describe(c) }

func describeList(cs []engine.Check, sep string) string {
	words := make([]string, len(cs))
	for i, c := range cs {
		words[i] = Describe(c)
	}
	return strings.Join(words, sep)
}

// allOf folds the verdicts of checks that must all pass: the first failure in
// the order of the file is what is told, and a failure outweighs a broken
// check, because it holds whatever the broken one would have found.
func allOf(vs []verdict) verdict {
	if len(vs) == 0 {
		return pass("all", args{})
	}
	if v := decisive(vs, engine.Fail); v != nil {
		return *v
	}
	if len(vs) == 1 {
		return vs[0]
	}
	out := vs[0]
	var got, want []string
	for _, v := range vs {
		got, want = append(got, v.Got), append(want, v.Want)
	}
	out.Result = render(engine.Pass, "all", args{Found: nonblank(got)})
	out.Want = strings.Join(nonblank(want), "; ")
	return out
}

func nonblank(words []string) []string {
	return slices.DeleteFunc(words, func(w string) bool { return w == "" })
}

// decisive returns the first verdict of the state that settles the matter, or else the
// first of a broken check; nil where there is neither.
func decisive(vs []verdict, settles engine.State) *verdict {
	for _, state := range []engine.State{settles, engine.Broken} {
		if i := slices.IndexFunc(vs, func(v verdict) bool { return v.State == state }); i >= 0 {
			return &vs[i]
		}
	}
	return nil
}

// anyOf folds the verdicts of alternatives.
func anyOf(vs []verdict) verdict {
	if len(vs) == 0 {
		return broken("any.empty", args{})
	}
	if v := decisive(vs, engine.Pass); v != nil {
		return *v
	}
	last := vs[len(vs)-1]
	last.sent = slices.ContainsFunc(vs, func(v verdict) bool { return v.sent })
	return last
}

// negate turns a verdict round. What is broken stays broken.
func negate(v verdict) verdict {
	switch v.State {
	case engine.Pass:
		v.State, v.authored, v.adds = engine.Fail, false, false
	case engine.Fail:
		v = verdict{Result: v.Result}
		v.State, v.Why = engine.Pass, ""
	}
	return v
}
