package plain

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"underlay/engine"
	"underlay/trail"
)

// trace sends a packet and says what became of it. Without words it is the traffic
// that the current task fails for; with one, the packet begins in the node where
// the learner is. Ctrl-C gives it up.
func (v *visit) trace(words string) {
	flow, ok := v.flow(strings.Fields(words))
	if !ok {
		return
	}
	a, err := v.traced(flow)
	switch {
	case errors.Is(err, context.Canceled):
		v.say("The trace was given up.")
	case err != nil:
		v.sayError(err)
	default:
		v.blank()
		for _, l := range trail.Words(a, v.width, trail.Options{ASCII: v.ASCII}) {
			v.println(l.String())
		}
		v.blank()
	}
}

// traced has the session trace a flow.
func (v *visit) traced(flow engine.Flow) (*engine.Autopsy, error) {
	ctx, cancel := context.WithCancel(v.ctx)
	defer cancel()
	type outcome struct {
		autopsy *engine.Autopsy
		err     error
	}
	ended := make(chan outcome, 1)
	go func() {
		a, err := v.session.Trace(ctx, flow)
		ended <- outcome{a, err}
	}()
	select {
	case o := <-ended:
		return o.autopsy, o.err
	case <-v.interrupts:
		v.caret()
		cancel()
		<-ended
		return nil, context.Canceled
	}
}

// flow is the one that a command's words name. Where there is none, it says why.
func (v *visit) flow(words []string) (engine.Flow, bool) {
	from := v.node
	switch len(words) {
	case 0:
		return v.failedFlow()
	case 1:
	case 2:
		from = words[0]
		if nodes := v.lab.Topology.NodeNames(); !slices.Contains(nodes, from) {
			v.sayf("There is no node %s. The nodes are: %s.", from, strings.Join(nodes, ", "))
			return engine.Flow{}, false
		}
	default:
		v.say(":trace TO follows a packet from the node where you are, :trace FROM TO one from another node. TO is like 10.0.0.2, 10.0.0.2:80 or web/http.")
		return engine.Flow{}, false
	}
	f, err := engine.ParseFlow(from, words[len(words)-1])
	if err != nil {
		v.sayError(engine.Hintf(err, "give a destination such as 10.0.0.2, 10.0.0.2:53/udp or web/http."))
		return f, false
	}
	return f, true
}

// failedFlow is the traffic that the current task fails for.
func (v *visit) failedFlow() (engine.Flow, bool) {
	st := v.session.Status()
	i := v.current(&st)
	r := v.result(&st, i)
	if r.State == engine.Fail && r.Flow.Proto != "" {
		return r.Flow, true
	}
	what := fmt.Sprintf("Task %d does not fail for a packet that got lost.", i+1)
	if r.State == engine.Pass {
		what = "No task is open."
	}
	v.say(what + " Say where a packet should go: :trace TO, or :trace FROM TO.")
	return engine.Flow{}, false
}
