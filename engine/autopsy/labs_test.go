package autopsy_test

import (
	"cmp"
	"testing"

	"underlay/course/format"
	"underlay/engine"
	"underlay/engine/autopsy"
)

// sweptPort stands for those that a sweep draws.
const sweptPort = 4444

// TestLabsOnce follows every attempt that a lab's checks make, before anything is
// done and after each of its known mistakes: whatever fails must have a cause. As root
// alone, because it takes minutes; that an autopsy finds the same as an ordinary user, the
// catalogue shows.
func TestLabsOnce(t *testing.T) {
	catalogue, err := format.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	all, err := catalogue.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range all {
		for _, script := range append([]engine.Script{{Name: "untouched"}, l.Solution}, l.Mistakes...) {
			t.Run(l.ID+"/"+script.Name, func(t *testing.T) {
				t.Parallel()
				instance := open(t, &l.Topology)
				for _, part := range script.Parts() {
					// As typed into a shell: a line that fails does not keep the next from being run.
					node := cmp.Or(part.Node, l.Topology.FirstShell())
					if _, _, err := instance.world.Run(t.Context(), node, "", "bash", "-c", part.Text); err != nil {
						t.Fatal(err)
					}
				}
				if instance.world.UsedLegacyIptables() {
					for _, n := range l.Topology.NodeNames() {
						instance.assumeLegacy(t, n, "filter", "nat")
					}
				}
				for _, f := range attempts(l) {
					if r := instance.trace(t, f); r.Outcome == autopsy.Undetermined {
						t.Error(picture(r))
					} else {
						t.Log(picture(r))
					}
				}
			})
		}
	}
}

// attempts are what a lab's tasks try; of a sweep, one by each protocol.
func attempts(l *engine.Lab) (out []autopsy.Flow) {
	for _, task := range l.Tasks {
		for _, c := range task.Checks {
			if c.Traffic == nil {
				continue
			}
			f := autopsy.Flow{From: c.Traffic.From, To: c.Traffic.To, Proto: cmp.Or(c.Traffic.Proto, "icmp"), Port: c.Traffic.Port}
			if c.Traffic.Sweep == nil {
				out = append(out, f)
				continue
			}
			for _, f.Proto = range append([]string{f.Proto}, c.Traffic.Sweep.Protos...) {
				f.Port = c.Traffic.Port
				if f.Proto != "icmp" {
					f.Port = cmp.Or(f.Port, sweptPort)
				}
				out = append(out, f)
			}
		}
	}
	return out
}
