package session

import (
	"errors"
	"reflect"
	"testing"

	"underlay/engine"
	"underlay/engine/autopsy"
)

// lost is a result that fails for a lost packet, and dropped why it was lost.
func lost() engine.TaskResult {
	return engine.TaskResult{
		Result: engine.Result{State: engine.Fail, Got: "no answer in 600 ms"},
		Flow:   engine.Flow{From: "a", To: "10.0.0.2", Proto: "icmp"}, Ended: engine.Timeout,
	}
}

var dropped = engine.Verdict{Node: "b", Reason: autopsy.ReasonRuleDrop, Text: "dropped in b"}

func TestVerdictsAreTold(t *testing.T) {
	unknown := engine.Verdict{Reason: autopsy.ReasonUnknown, Text: "not determined, last seen at b"}
	cases := []struct {
		name    string
		change  func(*engine.TaskResult)
		found   engine.Verdict
		why     string
		verdict engine.Verdict
	}{
		{"as the reason", func(*engine.TaskResult) {}, dropped, "Dropped in b.", dropped},
		{"after other words", func(r *engine.TaskResult) { r.Why = "No packet arrives." }, dropped, "No packet arrives. Dropped in b.", dropped},
		{"beside the author's", func(r *engine.TaskResult) { r.Why, r.Authored = "It is so.", true }, dropped, "It is so.", dropped},
		{"said already", func(*engine.TaskResult) {}, engine.Verdict{Reason: "name-not-found", Text: lost().Got}, "", engine.Verdict{Reason: "name-not-found", Text: lost().Got}},
		{"undetermined", func(*engine.TaskResult) {}, unknown, "Not determined, last seen at b.", unknown},
		{"undetermined, after better words", func(r *engine.TaskResult) { r.Why = "No packet arrives." }, unknown, "No packet arrives.", unknown},
		{"of an autopsy that failed", func(r *engine.TaskResult) { r.Why = "No packet arrives." }, engine.Verdict{}, "No packet arrives.", engine.Verdict{}},
		{"not of another flow", func(r *engine.TaskResult) { r.Flow.To = "10.0.0.3" }, dropped, "", engine.Verdict{}},
		{"not of another ending", func(r *engine.TaskResult) { r.Ended = engine.Refused }, dropped, "", engine.Verdict{}},
		{"not of what was seen otherwise", func(r *engine.TaskResult) { r.Got = "no answer in 2 s" }, dropped, "", engine.Verdict{}},
		{"not of what passes", func(r *engine.TaskResult) { r.State = engine.Pass }, dropped, "", engine.Verdict{}},
		{"not of what is broken", func(r *engine.TaskResult) { r.State = engine.Broken }, dropped, "", engine.Verdict{}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var f findings
			r := lost()
			about, ok := unanswered(&r)
			if !ok {
				t.Fatal("a lost packet is no failure")
			}
			f.note(about, []string{r.Got}, c.found)
			c.change(&r)
			results := []engine.TaskResult{r}
			f.tell(results)
			if got := results[0]; got.Why != c.why || !reflect.DeepEqual(got.Verdict, c.verdict) {
				t.Errorf("it tells %q, %+v", got.Why, got.Verdict)
			}
			if !f.forget() || f.forget() {
				t.Error("something is forgotten twice, or nothing at all")
			}
			if f.covers(about, r.Got) {
				t.Error("what was forgotten is still known")
			}
		})
	}
}

func TestWhichAutopsiesCount(t *testing.T) {
	r := lost()
	about, _ := unanswered(&r)
	found := func(o engine.Ending) *engine.Autopsy { return &engine.Autopsy{Outcome: o, Verdict: dropped} }
	for _, o := range []engine.Ending{engine.EndingDropped, engine.EndingUndetermined} {
		if v := about.verdict(found(o), nil); !reflect.DeepEqual(v, dropped) {
			t.Errorf("%s: %+v", o, v)
		}
	}
	for _, o := range []engine.Ending{engine.EndingDelivered, engine.EndingRefused, engine.EndingUnreachable} {
		if v := about.verdict(found(o), nil); v.Text != "" || about.seen(found(o)) {
			t.Errorf("%s: %+v", o, v)
		}
	}
	if v := about.verdict(nil, errors.New("no")); v.Text != "" {
		t.Errorf("an autopsy that failed says %+v", v)
	}
}

// Each flow is followed once, however many results are about it.
func TestFailures(t *testing.T) {
	a, b, c := lost(), lost(), lost()
	b.Got = "a → 10.0.0.2: no answer in 600 ms"
	c.Ended = engine.Unreachable
	answered, waiting := lost(), lost()
	answered.Ended = engine.OK
	waiting.Waiting, waiting.Ended, waiting.Flow = true, "", engine.Flow{}
	st := engine.Status{Tasks: []engine.TaskResult{a, answered, waiting}, Collateral: []engine.TaskResult{c, b}}
	order, gots := failures(&st)
	if len(order) != 2 || order[0].ended != engine.Timeout || order[1].ended != engine.Unreachable || len(gots[order[0]]) != 2 {
		t.Errorf("failures are %+v, %+v", order, gots)
	}
}

// A lab is tried again only where it is not known that it fails.
func TestWhatIsUnsure(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*engine.TaskResult, *findings)
		want   bool
	}{
		"lost":               {func(*engine.TaskResult, *findings) {}, true},
		"lost and explained": {func(r *engine.TaskResult, f *findings) { f.note(failure{r.Flow, r.Ended}, []string{r.Got}, dropped) }, false},
		"lost, and an autopsy failed": {func(r *engine.TaskResult, f *findings) {
			f.note(failure{r.Flow, r.Ended}, []string{r.Got}, engine.Verdict{})
		}, false},
		"lost otherwise than was explained": {func(r *engine.TaskResult, f *findings) {
			f.note(failure{r.Flow, r.Ended}, []string{"refused"}, dropped)
		}, true},
		"answered, and should not be": {func(r *engine.TaskResult, _ *findings) { r.Ended = engine.OK }, false},
		"a name that nobody answers":  {func(r *engine.TaskResult, _ *findings) { r.Flow, r.Ended = engine.Flow{}, "" }, true},
		"what took no packets":        {func(r *engine.TaskResult, _ *findings) { r.Sent, r.Flow, r.Ended = false, engine.Flow{}, "" }, false},
		"what could not be looked at": {func(r *engine.TaskResult, _ *findings) { r.Sent, r.State = false, engine.Broken }, true},
		"a task that passes": {func(r *engine.TaskResult, _ *findings) {
			*r = engine.TaskResult{Result: engine.Result{State: engine.Pass}}
		}, false},
		"a task that waits for others": {func(r *engine.TaskResult, _ *findings) { *r = engine.TaskResult{Result: r.Result, Waiting: true} }, false},
	} {
		var s Session
		r := lost()
		r.Sent = true
		c.change(&r, &s.found)
		for _, st := range []engine.Status{{Tasks: []engine.TaskResult{r}}, {Collateral: []engine.TaskResult{r}}} {
			s.status = st
			if got := s.unsure(); got != c.want {
				t.Errorf("%s: unsure %v", name, got)
			}
		}
	}
}
