package packetpath

import (
	"fmt"
	"strings"

	"underlay/engine"
)

// ruleLines is how many lines a rule's text may take where not all is told.
const ruleLines = 3

// steps are the nodes that the packets of the flow went through.
func (t *teller) steps() (out []Step) {
	a := t.autopsy
	hops := a.Hops
	var extra *engine.Hop
	t.death, extra = deathOf(a)
	if extra != nil {
		hops = append(hops[:len(hops):len(hops)], *extra)
	}
	t.measure(hops)
	for i := range hops {
		h := &hops[i]
		s := Step{Hop: i, Devices: devices(h)}
		if i >= len(a.Hops) {
			s.Hop = -1
		}
		fresh := i == 0 || hops[i-1].Direction != h.Direction || hops[i-1].Packet != h.Packet
		if fresh {
			s.Above = t.leg(h, i == 0)
		}
		ends := i == len(hops)-1 || hops[i+1].Direction != h.Direction || hops[i+1].Packet != h.Packet
		known := h.Header // what the reader knows of the packet's ends by now
		if !fresh {
			known = leaves(&hops[i-1])
		}
		v := view{hop: h, dead: i == t.death, last: ends, known: known}
		v.asks = i+1 < len(hops) && hops[i+1].Direction == engine.DirectionARP
		s.Lines = t.hop(v)
		v.full = true
		s.Full = t.hop(v)
		out = append(out, s)
	}
	return out
}

// deathOf finds the hop where the packet died, -1 for none. Where it died in a
// node that no hop of its own tells of, such as an answer that could not be sent,
// that hop is made up.
func deathOf(a *engine.Autopsy) (at int, extra *engine.Hop) {
	v := a.Verdict
	find := func(fits func(h *engine.Hop) bool) int {
		for i := len(a.Hops) - 1; i >= 0; i-- {
			if fits(&a.Hops[i]) {
				return i
			}
		}
		return -1
	}
	if a.Outcome == engine.EndingDelivered {
		return -1, nil
	}
	for _, fits := range []func(h *engine.Hop) bool{
		func(h *engine.Hop) bool { return h.Died && h.Node == v.Node },
		func(h *engine.Hop) bool { return h.Died },
		func(h *engine.Hop) bool { return h.Node == v.Node && (v.Direction == "" || h.Direction == v.Direction) },
	} {
		if i := find(fits); i >= 0 {
			return i, nil
		}
	}
	if v.Node == "" {
		return len(a.Hops) - 1, nil
	}
	return len(a.Hops), &engine.Hop{Node: v.Node, Direction: v.Direction, Died: true}
}

// devices are those of a hop, in the order that the packet went through them.
func devices(h *engine.Hop) (out []engine.DeviceRef) {
	for _, name := range names(h) {
		out = append(out, engine.DeviceRef{Node: h.Node, Name: name})
	}
	return out
}

func names(h *engine.Hop) (out []string) {
	if h.In != "" {
		out = append(out, h.In)
	}
	out = append(out, h.Through...)
	if h.Out != "" {
		out = append(out, h.Out)
	}
	return out
}

// leaves are a packet's ends as it leaves a hop.
func leaves(h *engine.Hop) engine.Header {
	for i := len(h.Decisions) - 1; i >= 0; i-- {
		if after := h.Decisions[i].After; after != nil {
			return *after
		}
	}
	return h.Header
}

// measure finds how wide the column of the nodes' names is.
func (t *teller) measure(hops []engine.Hop) {
	for i := range hops {
		t.names = max(t.names, width(t.show(hops[i].Node)))
	}
	t.names = min(t.names, max(t.width/4, 4))
}

// leg says which way the next hops lie on, and what the packet is.
func (t *teller) leg(h *engine.Hop, first bool) (out []Line) {
	if !first {
		out = append(out, nil)
	}
	name := map[engine.Direction]string{
		engine.DirectionRequest: "there", engine.DirectionReply: "back",
		engine.DirectionError: "error", engine.DirectionARP: "neighbour",
	}[h.Direction]
	if name == "" {
		name = "there"
	}
	p := paragraph{hang: []Span{spaces(2)}, words: append(words(name, Leg), words(h.Packet, Packet)...)}
	if h.Direction != engine.DirectionARP && h.Header.Src != "" {
		p.words = append(p.words, ends(h.Header)...)
	}
	return append(out, t.say(p)...)
}

// view is a hop and how much of it is told.
type view struct {
	hop   *engine.Hop
	known engine.Header // the packet's ends as they were told last
	dead  bool          // the packet died here
	last  bool          // of its way
	asks  bool          // a question about a neighbour comes next
	full  bool
}

// hop tells of a packet's way through a node.
func (t *teller) hop(v view) (out []Line) {
	h := v.hop
	rail := Span{t.rail(v) + "   ", Rail}
	if h.Inside != "" {
		lead := []Span{{t.glyphs.tunnel + "   ", Rail}}
		out = append(out, t.say(paragraph{lead: lead, hang: lead, words: append(words("inside", Dim), words(h.Inside, Wrapped)...)})...)
	}
	out = append(out, t.node(v)...)
	tell := func(in int, ws []Span, limit int) {
		lead, hang := []Span{rail, spaces(in)}, []Span{rail, spaces(in + 2)}
		out = append(out, t.say(paragraph{lead: lead, hang: hang, words: ws, limit: limit})...)
	}
	switch {
	case v.full && h.Direction == engine.DirectionARP:
		tell(0, words(h.Packet, Packet), 0)
	case v.full && h.Packet != "":
		tell(0, append(words(h.Packet, Packet), ends(h.Header)...), 0)
	case h.Header != v.known:
		tell(0, append(words("now", Dim), compared(v.known, h.Header)...), 0)
	}
	if v.full && len(h.Hooks) > 0 {
		tell(0, words("hooks: "+strings.Join(h.Hooks, ", "), Dim), 0)
	}
	for i := range h.Decisions {
		d := &h.Decisions[i]
		tell(0, t.decision(d, h.Direction), 0)
		if d.Rule != "" {
			limit := ruleLines
			if v.full {
				limit = 0
			}
			tell(2, words(d.Rule, Rule), limit)
		}
		if d.Before != nil && d.After != nil {
			was, now := ends(*d.Before), compared(*d.Before, *d.After)
			level(was, now, t.width)
			tell(2, append(words("was", Dim), was...), 0)
			tell(2, append(words("now", Dim), now...), 0)
		}
	}
	switch {
	case v.dead:
		tell(0, t.cause(h), 0)
	case h.Died && v.asks:
		tell(0, words(t.glyphs.dead+" waited for its neighbour in vain", Dead), 0)
	case h.Died:
		tell(0, words(t.glyphs.dead+" got no further", Dead), 0)
	}
	return out
}

// rail is what joins a hop to the next one on its way.
func (t *teller) rail(v view) string {
	switch {
	case v.last:
		return " "
	case v.hop.Direction == engine.DirectionReply || v.hop.Direction == engine.DirectionError:
		return t.glyphs.railBack
	}
	return t.glyphs.rail
}

// node is the line of a node: its name, and the devices that the packet went
// through.
func (t *teller) node(v view) []Line {
	h := v.hop
	mark, role := t.glyphs.there, Rail
	if h.Direction == engine.DirectionReply || h.Direction == engine.DirectionError {
		mark = t.glyphs.back
	}
	ended := h.Died || v.dead && t.autopsy.Outcome != engine.EndingRefused
	if v.dead || h.Died {
		mark, role = t.deadMark(), Dead
	}
	nodeRole := Node
	if v.dead {
		nodeRole = Dead
	}
	ws := []Span{{h.Node, nodeRole}}
	switch n := t.names - width(t.show(h.Node)); {
	case n == 1:
		ws[0].Text += " "
	case n > 1:
		ws = append(ws, spaces(n-1))
	}
	ws = append(ws, t.devices(h, ended)...)
	lines := t.say(paragraph{lead: []Span{{mark + " ", role}}, hang: []Span{{t.rail(v) + "   ", Rail}}, words: ws})
	if h.Packet == "" {
		return lines
	}
	at := fmt.Sprintf("%.1f ms", h.AtMS)
	if room := t.width - length(lines[0]) - len(at); len(lines) == 1 && room >= 2 {
		lines[0] = append(lines[0], spaces(room), Span{at, Time})
	}
	return lines
}

// devices are a hop's devices with arrows between them: "here" is the node itself.
func (t *teller) devices(h *engine.Hop, ended bool) []Span {
	steps := names(h)
	if h.In == "" {
		steps = append([]string{"here"}, steps...)
	}
	var out []Span
	for i, name := range steps {
		role := Device
		if i == 0 && h.In == "" {
			role = Dim
		}
		if i > 0 {
			out = append(out, Span{"→", Dim})
		}
		out = append(out, Span{name, role})
	}
	switch {
	case ended:
		out = append(out, Span{"→", Dim}, Span{t.deadMark(), Dead})
	case h.Out == "":
		out = append(out, Span{"→", Dim}, Span{"here", Dim})
	}
	return out
}

// deadMark is what marks the place where a packet was seen last.
func (t *teller) deadMark() string {
	if t.autopsy.Outcome == engine.EndingUndetermined {
		return t.glyphs.ask
	}
	return t.glyphs.dead
}

// cause says at the place of death what the packet died of.
func (t *teller) cause(h *engine.Hop) []Span {
	word := map[engine.Ending]string{
		engine.EndingDropped: "dropped here", engine.EndingRefused: "refused here", engine.EndingUnreachable: "lost here",
		engine.EndingUndetermined: "last seen here",
	}[t.autopsy.Outcome]
	if word == "" || t.autopsy.Verdict.Direction == "" && t.autopsy.Outcome != engine.EndingUndetermined {
		word = "failed here"
	}
	v := t.autopsy.Verdict
	object := v.Object
	switch v.Reason {
	case "no-route", "no-return-route", "no-listener": // it died for want of that
		object = "no " + object
	}
	switch {
	case v.Object == "":
	case v.Node != "" && v.Node != h.Node:
		word += " because of " + object + " in " + v.Node
	default:
		word += ": " + object
	}
	return words(t.deadMark()+" "+word, Dead)
}

// decision says what happened at a hook, and by which rule.
func (t *teller) decision(d *engine.Decision, way engine.Direction) []Span {
	out := words(d.Hook+":", Dim)
	role := Chain
	if d.Does == "drop" || d.Does == "reject" {
		role = Dead
	}
	if d.Backend == "" {
		text := "conntrack translates it"
		if way == engine.DirectionReply {
			text += " back"
		}
		return append(out, words(text, Chain)...)
	}
	out = append(out, words(chainOf(d)+",", Chain)...)
	if d.Rule == "" {
		return append(out, words("policy "+strings.ToUpper(d.Does), role)...)
	}
	return append(out, words(does(d.Does), role)...)
}

// chainOf names a decision's chain as its tool does.
func chainOf(d *engine.Decision) string {
	tool := "iptables"
	switch {
	case d.Backend == "nft":
		return strings.Join([]string{"nft", d.Family, d.Table, d.Chain}, " ")
	case d.Family == "ip6":
		tool = "ip6tables"
	}
	if strings.HasSuffix(d.Backend, "-legacy") {
		tool += "-legacy"
	}
	return tool + " " + d.Table + " " + d.Chain
}

func does(what string) string {
	switch what {
	case "dnat", "snat":
		return strings.ToUpper(what)
	}
	return what
}

// compared are the ends of a packet, with what differs from before standing out.
func compared(before, after engine.Header) []Span {
	src, dst := endpoints(after)
	oldSrc, oldDst := endpoints(before)
	role := func(now, was string) Role {
		if now != was {
			return Changed
		}
		return Header
	}
	return []Span{{src, role(src, oldSrc)}, {"→", Header}, {dst, role(dst, oldDst)}}
}

// endpoints are a header's two ends: "10.0.0.1:80", or the address alone.
func endpoints(h engine.Header) (src, dst string) {
	src, dst, _ = strings.Cut(h.String(), " → ")
	return src, dst
}

// level puts the arrows of two headers below each other, where a line has room.
func level(a, b []Span, w int) {
	n := max(width(a[0].Text), width(b[0].Text))
	if n+max(width(a[2].Text), width(b[2].Text))+14 > w {
		return
	}
	for _, h := range [][]Span{a, b} {
		h[0].Text += strings.Repeat(" ", n-width(h[0].Text))
	}
}
