package autopsy_test

import (
	"testing"

	"underlay/engine/autopsy"
)

// TestNodesByName calls nodes by their names, which no name server knows.
func TestNodesByName(t *testing.T) {
	t.Parallel()
	l := open(t, router())
	l.follow = autopsy.TraceAsked
	for flow, want := range map[autopsy.Flow]string{
		tcp("a", "b", 9000): "10.2.0.2",
		ping("a", "r"):      "10.1.0.1", // the one that a is next to
		ping("b", "r"):      "10.2.0.1",
	} {
		if r := l.trace(t, flow); r.Outcome != autopsy.Delivered || r.Address != want || r.Flow.To != flow.To {
			t.Errorf("%s is not called by %s\n%s", flow, want, picture(r))
		}
	}
	if r := l.trace(t, ping("a", "nobody")); r.Verdict.Reason != autopsy.ReasonNoDNS {
		t.Error(picture(r))
	}
	if err := l.run(t.Context(), "b", "ip addr flush dev eth0"); err != nil {
		t.Fatal(err)
	}
	if r := l.trace(t, ping("a", "b")); r.Verdict.Reason != autopsy.ReasonNoAddress || r.Verdict.Node != "b" {
		t.Error(picture(r))
	}
}
