package plain

import (
	"context"
	"errors"
	"slices"
	"strings"

	"underlay/engine"
	"underlay/packetpath"
)

// trace sends a packet and says what became of it. Without words it is the traffic
// that the current task, or what else does not hold, fails for; with one, the packet begins in the node where
// the learner is. Ctrl-C gives it up.
func (v *visit) trace(words string) error {
	flow, ok := v.flow(strings.Fields(words))
	if !ok {
		return nil
	}
	if yes, err := v.mayGiveAway(); !yes {
		return err
	}
	a, err := v.traced(flow)
	switch {
	case errors.Is(err, context.Canceled):
		v.say("The trace was cancelled.")
	case err != nil:
		v.sayError(err)
	default:
		v.blank()
		for _, l := range packetpath.Words(a, v.width, packetpath.Options{ASCII: v.ASCII}) {
			v.println(l.String())
		}
		v.blank()
	}
	return nil
}

// mayGiveAway asks before a packet is followed where that may tell what the learner
// is to find out. Whoever has said yes is not asked again.
func (v *visit) mayGiveAway() (yes bool, err error) {
	if !v.attempt.GivesAway() {
		return true, nil
	}
	yes, err = v.sure("The autopsy may name the cause, and finding it is the exercise.")
	if yes {
		v.attempt.Forewarn()
	}
	return yes, err
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
		v.say(":trace TO follows a packet from the node where you are, :trace FROM TO one from another node. TO looks like 10.0.0.2, 10.0.0.2:80 or web/http.")
		return engine.Flow{}, false
	}
	f, err := engine.ParseFlow(from, words[len(words)-1])
	if err != nil {
		v.sayError(engine.Hintf(err, "give a destination such as 10.0.0.2, 10.0.0.2:53/udp or web/http."))
		return f, false
	}
	return f, true
}

// failedFlow is the traffic that the current task fails for, or else the first that
// does not end as the lab wants.
func (v *visit) failedFlow() (engine.Flow, bool) {
	v.announce(v.session.Status(), false)
	i := v.attempt.Current()
	flow, ok := v.attempt.Unmet(i)
	switch {
	case ok:
		return flow, true
	case i < 0:
		v.say("No task is open. Say where a packet should go: :trace TO, or :trace FROM TO.")
	default:
		v.sayf("Task %d does not fail because of a lost packet. Say where a packet should go: :trace TO, or :trace FROM TO.", i+1)
	}
	return engine.Flow{}, false
}
