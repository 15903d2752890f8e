package packetpath

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"underlay/engine"
)

// Words is an autopsy in sentences, in lines of at most width cells: for screen
// readers, which read a path with its rails and arrows as noise. The verdict
// comes first; no line needs the one above to be seen.
func Words(a *engine.Autopsy, width int, o Options) []Line {
	t := &teller{autopsy: a, width: max(width, 1), glyphs: glyphsFor(o.ASCII), ascii: o.ASCII}
	w := &wordy{teller: t}
	w.verdict()
	at, extra := deathOf(a)
	for i := range a.Hops {
		if i == 0 || a.Hops[i-1].Direction != a.Hops[i].Direction || a.Hops[i-1].Packet != a.Hops[i].Packet {
			w.way(&a.Hops[i])
		}
		w.hop(i, &a.Hops[i], i == at)
	}
	if extra != nil {
		w.sentence(2, Dead, w.place(extra))
	}
	for _, e := range a.Tracked {
		text := fmt.Sprintf("%s tracks it: from %s, answered from %s", e.Node, spoken(e.Orig), spoken(e.Reply))
		if e.State != "" {
			text += ", in state " + e.State
		}
		w.sentence(0, Dim, text)
	}
	for _, s := range a.Blind {
		w.sentence(0, Warning, s)
	}
	return w.lines
}

// wordy writes lines of sentences.
type wordy struct {
	*teller
	lines []Line
}

// sentence adds one, indented, its further lines by two more.
func (w *wordy) sentence(indent int, r Role, text string) {
	text = strings.TrimSpace(strings.NewReplacer(" → ", " to ", "→", "to").Replace(text))
	if text == "" {
		return
	}
	if !strings.ContainsAny(text[len(text)-1:], ".!?:") {
		text += "."
	}
	w.lines = append(w.lines, w.say(paragraph{lead: []Span{spaces(indent)}, hang: []Span{spaces(indent + 2)}, words: words(text, r)})...)
}

// verdict says how it ended, then what was sent.
func (w *wordy) verdict() {
	a := w.autopsy
	text, role := a.Verdict.Text, Dead
	if text == "" {
		text = string(a.Outcome)
	}
	switch a.Outcome {
	case engine.EndingDelivered:
		role = Good
	case engine.EndingUndetermined:
	default:
		text = "not delivered: " + text
	}
	first, n := utf8.DecodeRuneInString(text)
	w.sentence(0, role, string(unicode.ToUpper(first))+text[n:])
	sent := "Sent from " + a.Flow.From + " to " + a.Flow.To
	if a.Address != "" && a.Address != a.Flow.To {
		sent += ", which is " + a.Address
	}
	if a.Flow.Port != 0 {
		sent += fmt.Sprintf(", port %d", a.Flow.Port)
	}
	sent += ", by " + a.Flow.Proto
	if a.Detail != "" && a.Detail != a.Verdict.Text {
		sent += ": " + a.Detail
	}
	w.sentence(0, Dim, sent)
}

// way begins the nodes that a packet goes through.
func (w *wordy) way(h *engine.Hop) {
	name := map[engine.Direction]string{
		engine.DirectionReply: "The way back", engine.DirectionError: "An error comes back",
		engine.DirectionARP: "A neighbour is asked for",
	}[h.Direction]
	if name == "" {
		name = "The way there"
	}
	if h.Packet != "" {
		name += ": " + h.Packet
	}
	if h.Direction != engine.DirectionARP && h.Header.Src != "" {
		name += " from " + spoken(h.Header)
	}
	w.sentence(0, Leg, name)
}

// hop says where a packet went in a node, and what was done to it.
func (w *wordy) hop(i int, h *engine.Hop, dead bool) {
	text := fmt.Sprintf("%d. %s: ", i+1, h.Node)
	if h.In == "" {
		text += "made here"
	} else {
		text += "in by " + h.In
	}
	if len(h.Through) > 0 {
		text += ", through " + strings.Join(h.Through, " and ")
	}
	switch {
	case h.Out != "":
		text += ", out by " + h.Out
	case !h.Died && !dead:
		text += ", arrived"
	}
	if h.Inside != "" {
		text += ", inside " + h.Inside
	}
	w.sentence(2, Node, text)
	for k := range h.Decisions {
		w.decision(&h.Decisions[k], h.Direction)
	}
	switch {
	case dead:
		w.sentence(4, Dead, w.place(h))
	case h.Died:
		w.sentence(4, Dead, "It got no further.")
	}
}

func (w *wordy) decision(d *engine.Decision, way engine.Direction) {
	var text []string
	for _, s := range w.teller.decision(d, way) {
		text = append(text, s.Text)
	}
	said := "At " + strings.Join(text, " ")
	if d.Rule != "" {
		said += ", by the rule " + d.Rule
	}
	w.sentence(4, Chain, said)
	if d.Before != nil && d.After != nil {
		w.sentence(4, Changed, fmt.Sprintf("It was from %s; now it is from %s", spoken(*d.Before), spoken(*d.After)))
	}
}

// place says that the packet died, and of what.
func (w *wordy) place(h *engine.Hop) string {
	var text []string
	for _, s := range w.cause(h)[1:] { // without the mark
		text = append(text, s.Text)
	}
	if text[0] == "failed" {
		return "It " + strings.Join(text, " ")
	}
	return "It was " + strings.Join(text, " ")
}

// spoken is a packet's ends: "10.0.0.1:4000 to 10.0.0.2:80".
func spoken(h engine.Header) string {
	src, dst := endpoints(h)
	return src + " to " + dst
}
