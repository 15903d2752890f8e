package workspace

import (
	"underlay/engine"
	"underlay/tui/dialog"
	"underlay/tui/paint"
	"underlay/tui/prose"
	"underlay/tui/theme"
)

// aboutTests is what Underlay sends, and how to leave it out of a capture.
func (w *Workspace) aboutTests() dialog.Dialog {
	filter := w.lab.WithoutTests()
	return &dialog.Text{Title: "What Underlay sends", Typing: w.Typing(), Body: func(st *theme.Styles, width int) []string {
		if filter == "" {
			return prose.Sentence(st, st.Text, "Nothing. The tasks of this lab are judged without packets.", width)
		}
		say := func(text string) []string { return append(prose.Sentence(st, st.Text, text, width), "") }
		out := say("Underlay judges tasks about traffic by sending some between the lab's nodes, once after each change. " +
			"It sends nothing while nothing changes; captures and listings change nothing.")
		out = append(out, say("It then follows the packets that fail, but not while you capture: that waits until your capture ends.")...)
		out = append(out, say("All of it comes from ports "+engine.TestPorts()+", and its echo requests have an identifier in that range. "+
			"To leave it out, give tcpdump")...)
		out = append(out, paint.Indent("  ", paint.Wrap(filter, width-2))...)
		return append(append(out, ""), prose.Sentence(st, st.Muted, "Its ARP requests and ICMP errors have no ports, and stay.", width)...)
	}}
}
