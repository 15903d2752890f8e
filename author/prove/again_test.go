package prove

import (
	"bytes"
	"context"
	"encoding/xml"
	"strings"
	"testing"
)

// TestAFlakeIsTold: a proof that fails and is proven when it is made again is counted
// apart, in every form of report; one that fails twice has failed.
func TestAFlakeIsTold(t *testing.T) {
	fails := func(times int) func(context.Context) (Finding, error) {
		return func(context.Context) (f Finding, err error) {
			if times--; times >= 0 {
				f.wrongf("it was slow")
			}
			return f, nil
		}
	}
	plan := func() []Planned {
		var out []Planned
		for i, name := range []string{"right", "flaky", "wrong"} {
			out = append(out, Planned{Lab: "a", Kind: name, weight: 1, prove: fails(i)})
		}
		return out
	}
	for again, want := range map[bool]Report{
		true:  {Proven: 2, Failed: 1, Flakes: 1},
		false: {Proven: 1, Failed: 2},
	} {
		var text, junit bytes.Buffer
		prover := &Prover{Jobs: 1, Again: again}
		printer := NewPrinter(&text, plan(), false, true)
		r, err := prover.Run(t.Context(), plan(), printer.Ended)
		if err != nil || printer.Finish(r) != nil || WriteJUnit(&junit, r) != nil {
			t.Fatal(err)
		}
		if r.Proven != want.Proven || r.Failed != want.Failed || r.Flakes != want.Flakes {
			t.Errorf("again %v: %d proven, %d failed, %d flakes, want %+v", again, r.Proven, r.Failed, r.Flakes, want)
		}
		for _, word := range []string{"≈ a/flaky  0.0 s\n", "\n≈ a/flaky: FLAKE: it failed, and passed when it was run again\n    it was slow\n", "2 proven, 1 failed, 1 flake, in "} {
			if strings.Contains(text.String(), word) != again {
				t.Errorf("again %v: the report says\n%s", again, &text)
			}
		}
		var suites struct {
			Cases []struct {
				Name  string `xml:"name,attr"`
				Flake *struct {
					Message string `xml:"message,attr"`
				} `xml:"flakyFailure"`
			} `xml:"testsuite>testcase"`
		}
		if err := xml.Unmarshal(junit.Bytes(), &suites); err != nil || len(suites.Cases) != 3 {
			t.Fatalf("%v\n%s", err, &junit)
		}
		for _, c := range suites.Cases {
			if flaky := c.Name == "flaky" && again; (c.Flake != nil) != flaky || flaky && c.Flake.Message != "it was slow" {
				t.Errorf("again %v: JUnit has %+v", again, c)
			}
		}
	}
}
