package check

import (
	"errors"

	"underlay/engine"
	"underlay/engine/observe"
)

// verdict is a result on its way up through all, any and not.
type verdict struct {
	engine.Result
	authored bool // Why is the author's own and stays
	adds     bool // Why goes on from what the author says

	sent  bool          // it took packets to find that out
	flow  engine.Flow   // the traffic that it is about; without a protocol if none
	ended engine.Expect // how that ended; "" where it does not matter
}

// about says which traffic a verdict is about.
func (v verdict) about(flow engine.Flow, ended engine.Expect) verdict {
	v.flow, v.ended = flow, ended
	return v
}

// into is a verdict as the result of a task or a collateral goal.
func (v verdict) into(r engine.TaskResult) engine.TaskResult {
	r.Result = v.Result
	if v.State == engine.Fail {
		r.Flow, r.Ended, r.Authored, r.Sent = v.flow, v.ended, v.authored && !v.adds, v.sent
	}
	return r
}

// pass, fail and broken make a verdict of what was found (see messages).
func pass(code string, a args) verdict   { return verdict{Result: render(engine.Pass, code, a)} }
func fail(code string, a args) verdict   { return verdict{Result: render(engine.Fail, code, a)} }
func broken(code string, a args) verdict { return verdict{Result: render(engine.Broken, code, a)} }

// Unseen is the result of a task that nobody has looked at yet.
func Unseen() engine.Result { return render(engine.Fail, "unseen", args{}) }

// passIf passes or fails for the same finding.
func passIf(ok bool, code string, a args) verdict {
	if ok {
		return pass(code, a)
	}
	return fail(code, a)
}

// with words a verdict again, with more to say.
func (v verdict) with(more func(a *args)) verdict {
	a := v.Args
	more(&a)
	want := v.Want
	v.Result = render(v.State, v.Code, a)
	v.Want = want
	return v
}

// erred turns a World's error into a verdict: a node that is not there is a
// fact about the lab, anything else means that nothing was found out.
func erred(err error, node, code string, a args) verdict {
	if errors.Is(err, engine.ErrNotFound) {
		return noNode(node)
	}
	a.Detail = err.Error()
	return broken(code, a)
}

func noNode(name string) verdict { return fail("no-namespace", args{Node: name}) }

func noInterface(st observe.State, dev string) verdict {
	return fail("no-interface", args{Node: st.Node, Device: dev, Found: linkNames(st)})
}
