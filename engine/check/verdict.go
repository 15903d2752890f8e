package check

import (
	"errors"
	"fmt"

	"underlay/engine"
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

func passed(got string) verdict {
	return verdict{Result: engine.Result{State: engine.Pass, Got: got}}
}

func failed(got, why string) verdict {
	return verdict{Result: engine.Result{State: engine.Fail, Got: got, Why: why}}
}

func brokenf(format string, args ...any) verdict {
	return verdict{Result: engine.Result{State: engine.Broken, Why: fmt.Sprintf(format, args...)}}
}

// erred turns a World's error into a verdict: a node that is not there is a
// fact about the lab, anything else means that nothing was found out.
func erred(err error, node, doing string) verdict {
	if errors.Is(err, engine.ErrNotFound) {
		return noNode(node)
	}
	return brokenf("Could not %s: %v.", doing, err)
}

func noNode(name string) verdict {
	return failed("there is no network namespace "+name, "")
}
