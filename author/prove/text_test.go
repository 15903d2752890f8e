package prove

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// TestPrinterOnATerminal: one line is kept up to date, and is gone when the last
// lab is done.
func TestPrinterOnATerminal(t *testing.T) {
	plan := []Planned{{Lab: "a", Kind: "solution"}, {Lab: "a", Kind: "reset"}, {Lab: "b", Kind: "solution"}}
	var out bytes.Buffer
	p := NewPrinter(&out, plan, true, false)
	proofs := []Proof{
		{Lab: "a", Kind: "solution", Verdict: Proven},
		{Lab: "a", Kind: "reset", Verdict: Failed, Finding: Finding{Wrong: []string{"one\ntwo"}, Differs: []string{"host: new: x"}}},
		{Lab: "b", Kind: "solution", Verdict: Skipped, Finding: Finding{Notes: []string{"not proven here: why"}}},
	}
	for _, proof := range proofs {
		p.Ended(proof)
	}
	if err := p.Finish(newReport(proofs, 0)); err != nil {
		t.Fatal(err)
	}
	const want = "  a: 1 of 2\r\x1b[K✗ a: 1 of 2 proofs failed\n- b: not proven here: why\n" +
		"\n✗ a/reset\n    one\n    two\n  state\n    host: new: x\n" +
		"\n1 proven, 1 failed, 1 not proven here, in 0 s.\n"
	if out.String() != want {
		t.Errorf("got\n%q\nwant\n%q", out.String(), want)
	}
}

type full struct{}

var errFull = errors.New("no space left")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestPrinterTellsOfAWriterThatFails(t *testing.T) {
	p := NewPrinter(full{}, nil, false, false)
	if err := p.Finish(Report{}); !errors.Is(err, errFull) {
		t.Errorf("Finish returned %v", err)
	}
}

func TestJUnitHoldsWhatATerminalShows(t *testing.T) {
	var out bytes.Buffer
	err := WriteJUnit(&out, newReport([]Proof{{Lab: "a", Kind: "solution", Verdict: Failed,
		Finding: Finding{Wrong: []string{`"<&>"`}, Transcript: "bell \a and escape \x1b[1m ✓"}}}, 0))
	if err != nil || strings.ContainsAny(out.String(), "\a\x1b") || !strings.Contains(out.String(), "bell  and escape [1m ✓") {
		t.Errorf("%v:\n%s", err, out.String())
	}
}
