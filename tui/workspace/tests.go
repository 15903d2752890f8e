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
		out := say("Tasks about traffic are judged by sending some, in the lab's nodes. That is done once after each change. " +
			"Nothing is sent while nothing changes, and neither a capture nor a listing is a change.")
		out = append(out, say("What fails is then followed on its way, unless a capture of yours is open: that waits until it has ended.")...)
		out = append(out, say("All of it comes from ports "+engine.TestPorts()+", and echo requests have an identifier of that range. "+
			"tcpdump leaves it out with")...)
		out = append(out, paint.Indent("  ", paint.Wrap(filter, width-2))...)
		return append(append(out, ""), prose.Sentence(st, st.Muted, "ARP requests for it have no ports and stay, and so do ICMP errors.", width)...)
	}}
}
