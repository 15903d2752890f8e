package autopsy_test

import (
	"testing"

	"underlay/engine/autopsy"
)

// TestNameWithTwoAddresses follows a connection to the address that answers, as a client finds
// it, and an echo request to the first.
func TestNameWithTwoAddresses(t *testing.T) {
	l := open(t, cable())
	instance := l.instance
	instance.Names.Etc.Hosts = []byte("10.0.0.1 two\n10.0.0.2 two\n10.0.0.1 dead\n10.0.0.3 dead\n")
	for _, c := range []struct {
		flow    autopsy.Flow
		address string
		outcome autopsy.Outcome
	}{
		{tcp("a", "two", 9000), "10.0.0.2", autopsy.Delivered},
		{ping("a", "two"), "10.0.0.1", autopsy.Delivered},
		{tcp("a", "dead", 9000), "10.0.0.1", autopsy.Refused},
	} {
		c.flow.Wait = patience
		r, err := l.follow(t.Context(), instance, c.flow)
		if err != nil {
			t.Fatal(err)
		}
		if r.Address != c.address || r.Outcome != c.outcome {
			t.Errorf("%s went to %s:\n%s", c.flow, r.Address, picture(r))
		}
	}
}
