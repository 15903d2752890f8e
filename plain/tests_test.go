package plain

import (
	"strings"
	"testing"

	"underlay/engine"
)

// A learner hears where tests come from, and how a capture leaves them out.
func TestWhatIsSentIsSaid(t *testing.T) {
	s := newFakeSession()
	s.lab.Collateral[0].Check.Traffic = &engine.TrafficCheck{From: "host", To: "127.0.0.1"}
	said, err := tell(t, inLab(s), "capture host c1", "say on", "capture", "capture host", ":quit")
	if err != nil {
		t.Fatal(err)
	}
	const filter = "\n  '" + engine.WithoutTests + " and " + engine.WithoutTestEchos + "'\n"
	inOrder(t, said, "After a change Underlay tests from ports 61000–65535.", filter,
		"capture host c1\nA capture runs in host, c1. Until it ends, Underlay tests only once after a", "from ports 61000–65535.", filter,
		"say on\non\nhost> capture\nhost> capture host\nA capture runs in host.", filter)
}

func TestNothingIsSaidOfWhatIsNotSent(t *testing.T) {
	said, err := tell(t, inLab(newFakeSession()), "capture host", ":tasks", ":quit")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(said, "61000") {
		t.Errorf("it said:\n%s", said)
	}
}
