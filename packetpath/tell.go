package packetpath

import (
	"underlay/engine"
)

// teller tells one autopsy.
type teller struct {
	autopsy *engine.Autopsy
	width   int
	glyphs  glyphs
	ascii   bool

	death int // index of the step, -1 for none
	names int // cells for the names of nodes
}

// say lays a paragraph out.
func (t *teller) say(p paragraph) []Line {
	for i := range p.words {
		p.words[i].Text = t.show(p.words[i].Text)
	}
	return p.lay(t.width, t.glyphs.ellipsis)
}

// head is the verdict, then what was sent and how its sender saw it end.
func (t *teller) head() []Line {
	a := t.autopsy
	mark, role := t.glyphs.dead, Dead
	switch a.Outcome {
	case engine.EndingDelivered:
		mark, role = t.glyphs.good, Good
	case engine.EndingUndetermined:
		mark = t.glyphs.ask
	}
	text := a.Verdict.Text
	if text == "" {
		text = string(a.Outcome)
	}
	hang := []Span{spaces(2)}
	out := t.say(paragraph{lead: []Span{{mark + " ", role}}, hang: hang, words: words(text, role)})
	sent := a.Flow.String()
	if a.Address != "" && a.Address != a.Flow.To {
		sent += " (" + a.Address + ")"
	}
	if a.Detail != "" && a.Detail != a.Verdict.Text {
		sent += ": " + a.Detail
	}
	return append(out, t.say(paragraph{lead: hang, hang: hang, words: words(sent, Dim)})...)
}

// tail is what conntrack remembers, and what could not be watched.
func (t *teller) tail() (out []Line) {
	a := t.autopsy
	if len(a.Tracked) > 0 {
		out = append(out, t.say(paragraph{words: words("conntrack", Leg)})...)
	}
	for _, e := range a.Tracked {
		in, further := []Span{spaces(2)}, []Span{spaces(4)}
		entry := append([]Span{{e.Node, Node}}, ends(e.Orig)...)
		if e.State != "" {
			entry = append(entry, Span{e.State, Dim})
		}
		out = append(out, t.say(paragraph{lead: in, hang: further, words: entry})...)
		answer := append(words("answered by", Dim), ends(e.Reply)...)
		out = append(out, t.say(paragraph{lead: further, hang: []Span{spaces(6)}, words: answer})...)
	}
	if len(a.Blind) > 0 && len(out) > 0 {
		out = append(out, nil)
	}
	for _, s := range a.Blind {
		out = append(out, t.say(paragraph{lead: []Span{{"! ", Warning}}, hang: []Span{spaces(2)}, words: words(s, Warning)})...)
	}
	return out
}

// ends are a header's two ends, which a line break may part.
func ends(h engine.Header) []Span {
	src, dst := endpoints(h)
	return []Span{{src, Header}, {"→", Header}, {dst, Header}}
}
