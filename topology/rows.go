package topology

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"underlay/engine"
)

// form is how much a drawing says of each device.
type form uint8

const (
	flat form = iota // all of it in one row
	tall             // the counters in a row of their own
	bare             // no counters, and one address
)

// row is one line inside a node's box.
type row struct {
	ref    engine.DeviceRef
	lead   string // what joins it to a bridge or a parent
	below  string // the lead of rows that go on with it
	name   string // of the device, in its first row
	more   bool   // it goes on with what the row before says
	parts  []part
	counts string // at the right
	grown  bool
	link   int // the line that begins here, an index in layouter.links, or -1
}

// part is a word or two; those that are optional are left out where a box is narrow.
type part struct {
	text     string
	role     Role
	optional bool
}

// rowMaker makes the rows of one node.
type rowMaker struct {
	*layouter
	node *engine.PictureNode
	form form
	rows []row
	done map[string]bool
}

// rowsKey says which rows are asked for.
type rowsKey struct {
	node  int
	form  form
	limit int
}

// rowsOf are the rows of a node's box, at least one. Words that do not fit into
// limit cells go on in a row of their own; 0 is no limit. Rows once made are kept
// for the next plan, and are not changed.
func (l *layouter) rowsOf(i int, f form, limit int) []row {
	key := rowsKey{i, f, limit}
	if rows, ok := l.rows[key]; ok {
		return rows
	}
	var rows []row
	if limit > 0 {
		rows = broken(l.rowsOf(i, f, 0), limit)
	} else {
		rows = l.makeRows(i, f)
	}
	l.rows[key] = rows
	return rows
}

func (l *layouter) makeRows(i int, f form) []row {
	m := &rowMaker{layouter: l, node: &l.picture.Nodes[i], form: f, done: map[string]bool{}}
	if m.node.Problem != "" {
		m.say("could not be looked at", Trouble)
	}
	for k := range m.node.Devices {
		d := &m.node.Devices[k]
		if !m.under(d) && !m.quiet(d) {
			m.device(d, "", "")
		}
	}
	for k := range m.node.Devices { // ports of ports of themselves, should there ever be any
		if d := &m.node.Devices[k]; !m.done[d.Name] && !m.quiet(d) {
			m.device(d, "", "")
		}
	}
	for _, name := range goneFrom(m.picture, m.node.Name, m.options.Marks) {
		ref := engine.DeviceRef{Node: m.node.Name, Name: name}
		m.rows = append(m.rows, row{ref: ref, name: name, link: -1, parts: []part{{"gone", Note, false}}})
	}
	if len(m.rows) == 0 {
		m.say("nothing plugged in", Note)
	}
	m.align()
	return m.rows
}

func (m *rowMaker) say(text string, r Role) {
	m.rows = append(m.rows, row{link: -1, parts: []part{{text, r, false}}})
}

// goneFrom are the devices whose disappearance from a node is to be marked, in order.
func goneFrom(p *engine.Picture, node string, m Marks) []string {
	var out []string
	for ref := range m.Changed {
		if ref.Node == node && ref.Name != "" && p.Device(ref) == nil {
			out = append(out, ref.Name)
		}
	}
	slices.Sort(out)
	return out
}

// under reports whether a device's row comes below another's of its node.
func (m *rowMaker) under(d *engine.Device) bool {
	above := d.Master
	if above == "" && d.Kind != "vxlan" && d.Parent.Node == m.node.Name {
		above = d.Parent.Name
	}
	return above != "" && above != d.Name && m.picture.Device(engine.DeviceRef{Node: m.node.Name, Name: above}) != nil
}

// quiet devices need no row: a loopback as every node has it.
func (m *rowMaker) quiet(d *engine.Device) bool {
	ref := engine.DeviceRef{Node: m.node.Name, Name: d.Name}
	if d.Kind != "loopback" || d.State == engine.DeviceDown || m.onPath[ref] || m.options.Marks.Changed[ref] {
		return false
	}
	return !slices.ContainsFunc(d.Addrs, func(a netip.Prefix) bool { return !a.Addr().IsLoopback() })
}

// device adds a device and what hangs from it. lead goes before its name, stem
// before what comes below it.
func (m *rowMaker) device(d *engine.Device, lead, stem string) {
	if m.done[d.Name] {
		return
	}
	m.done[d.Name] = true
	ref := engine.DeviceRef{Node: m.node.Name, Name: d.Name}
	var ports, stacked []*engine.Device
	for k := range m.node.Devices {
		o := &m.node.Devices[k]
		switch {
		case o == d:
		case o.Master == d.Name:
			ports = append(ports, o)
		case o.Master == "" && o.Kind != "vxlan" && o.Parent == ref:
			stacked = append(stacked, o)
		}
	}
	below := stem + "  "
	switch {
	case len(ports) > 0:
		below = stem + m.glyphs.bar
	case lead == "":
		below = ""
	}
	if lead == "" && (len(ports) > 0 || d.Kind == "bridge") {
		lead = m.glyphs.bridge
	}
	ends := m.ends(ref)
	own := -1
	if len(ends) == 1 && !m.leadsUp(ref, ends[0]) {
		own, ends = ends[0], nil
	}
	m.own(d, lead, below, own)
	for i, e := range ends {
		g := m.glyphs.branch
		if i == len(ends)-1 && len(stacked) == 0 {
			g = m.glyphs.lastBranch
		}
		m.rows = append(m.rows, m.endRow(ref, e, below+g))
	}
	m.hang(stacked, below, m.glyphs.branch, m.glyphs.lastBranch, m.glyphs.stem)
	m.hang(ports, stem, m.glyphs.port, m.glyphs.lastPort, m.glyphs.bar)
}

func (m *rowMaker) hang(devices []*engine.Device, stem, each, last, further string) {
	for i, d := range devices {
		if i == len(devices)-1 {
			each, further = last, "  "
		}
		m.device(d, stem+each, stem+further)
	}
}

// own adds the rows that speak of the device itself.
func (m *rowMaker) own(d *engine.Device, lead, below string, end int) {
	ref := engine.DeviceRef{Node: m.node.Name, Name: d.Name}
	r := row{ref: ref, lead: lead, below: below, name: d.Name, link: end, parts: kindParts(d, len(m.ends(ref)) == 0)}
	addrs := shown(d.Addrs)
	if len(addrs) > 0 {
		text := addrs[0]
		if m.form == bare && len(addrs) > 1 {
			text += fmt.Sprintf(" +%d", len(addrs)-1)
		}
		r.parts = append(r.parts, part{text, Address, false})
		addrs = addrs[1:]
	}
	r.parts = append(r.parts, troubles(d)...)
	now := m.counts[ref]
	counters := countText(now, m.glyphs)
	grown := false
	if m.previous != nil {
		before, known := m.previous.counts[ref]
		grown = known && (now.received > before.received || now.sent > before.sent)
	}
	if m.form == flat {
		r.counts, r.grown = counters, grown
	}
	m.rows = append(m.rows, r)
	if m.form == bare {
		return
	}
	for _, a := range addrs {
		m.rows = append(m.rows, row{ref: ref, lead: below, more: true, link: -1, parts: []part{{a, Address, false}}})
	}
	if m.form == tall {
		m.rows = append(m.rows, row{ref: ref, lead: below, more: true, link: -1, counts: counters, grown: grown})
	}
}

// ends are the lines that begin or end at a device.
func (m *rowMaker) ends(ref engine.DeviceRef) []int {
	var out []int
	for i := range m.links {
		if l := &m.links[i]; l.a == ref || !l.loose && l.b == ref {
			out = append(out, i)
		}
	}
	return out
}

// leadsUp reports whether a line leads from a device to one that sits on it. It
// then has a row of its own, which names that one.
func (m *rowMaker) leadsUp(ref engine.DeviceRef, i int) bool {
	return m.links[i].kind == stack && m.links[i].a == ref
}

// endRow is the row of one of several lines of a device.
func (m *rowMaker) endRow(ref engine.DeviceRef, i int, lead string) row {
	l := &m.links[i]
	far := l.b
	if far == ref {
		far = l.a
	}
	text := "to " + far.Node
	switch {
	case m.leadsUp(ref, i):
		text = kindWord(m.picture.Device(far)) + " of " + far.Node
	case l.kind == stack:
		text = "on " + far.Name + " of " + far.Node
	}
	return row{ref: ref, lead: lead, link: i, parts: []part{{text, Note, false}}}
}

// kindParts say what a device is, where its place in the drawing and its lines do
// not; alone says that it has none.
func kindParts(d *engine.Device, alone bool) []part {
	switch d.Kind {
	case "veth", "loopback", "":
		return nil
	case "vxlan":
		out := []part{{"VNI " + strconv.Itoa(d.VNI), Note, false}}
		if alone && len(d.Remotes) > 0 { // no line says it
			out = append(out, part{"to " + strings.Join(d.Remotes, " "), Note, false})
		}
		return out
	}
	return []part{{d.Kind, Note, true}}
}

func kindWord(d *engine.Device) string {
	if d.Kind == "" {
		return "device"
	}
	return d.Kind
}

// troubles are what keeps a device from working.
func troubles(d *engine.Device) []part {
	var out []part
	if d.State != engine.DeviceUp {
		out = append(out, part{string(d.State), Trouble, false})
	}
	if text := astray(d); text != "" {
		out = append(out, part{text, Trouble, false})
	}
	if d.Dropped > 0 {
		out = append(out, part{short(d.Dropped) + " dropped", Trouble, false})
	}
	return out
}

// astray says what of a device is in a namespace that is none of the lab's nodes.
func astray(d *engine.Device) string {
	switch {
	case d.Kind == "veth" && d.Peer.Node == "":
		return "peer elsewhere"
	case stacks(d.Kind) && d.Parent.Node == "":
		return "parent elsewhere"
	}
	return ""
}

// stacks reports whether devices of a kind sit on another.
func stacks(kind string) bool {
	return kind == "macvlan" || kind == "macvtap" || kind == "ipvlan" || kind == "vlan"
}

// shown are the addresses worth a place: not those that every device gives itself.
func shown(addrs []netip.Prefix) []string {
	var out []string
	for _, a := range addrs {
		if !a.Addr().IsLinkLocalUnicast() || a.Addr().Is4() {
			out = append(out, a.String())
		}
	}
	return out
}

func countText(c counts, g glyphs) string {
	return short(c.received) + g.in + " " + short(c.sent) + g.out
}

// short is a number in at most four characters.
func short(n uint64) string {
	if n < 10_000 {
		return strconv.FormatUint(n, 10)
	}
	units := "kMGTPE"
	f := float64(n)
	for i := range units {
		f /= 1000
		switch {
		case f < 9.95:
			return fmt.Sprintf("%.1f%c", f, units[i])
		case f < 999.5:
			return fmt.Sprintf("%.0f%c", f, units[i])
		}
	}
	return "lots"
}

// align gives rows that hang from nothing leads as wide as those of a bridge's
// ports, so that names line up.
func (m *rowMaker) align() {
	lead := 0
	for i := range m.rows {
		if m.rows[i].name != "" && !m.rows[i].more {
			lead = max(lead, min(width(m.rows[i].lead), 2))
		}
	}
	for i := range m.rows {
		if m.rows[i].lead == "" && m.rows[i].ref.Name != "" {
			m.rows[i].lead = strings.Repeat(" ", lead)
		}
	}
}
