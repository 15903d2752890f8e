package autopsy

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"underlay/engine/probe"
)

// flight is one packet of the flow with all that was seen of it, wherever it
// was and however it was rewritten or wrapped on the way. The same packet sent
// again is the same flight.
type flight struct {
	key       string
	dir       Direction
	arp       bool
	packet    *packet // as it was first seen
	sightings []sighting
	events    []event
	// carriers are the packets of tunnels that it was wrapped in, by their order.
	carriers []*flight
}

// sighting is a flight at a device.
type sighting struct {
	frame
	packet *packet // the flight's own, out of its tunnel
	dst    string  // MAC address it is for, out of its tunnel
	// carrier is the tunnel's packet, nil where it went bare.
	carrier *packet
}

func (f *flight) first() time.Time {
	if len(f.sightings) > 0 {
		return f.sightings[0].when
	}
	if len(f.events) > 0 {
		return f.events[0].when
	}
	return time.Time{}
}

// flights sorts what was seen into the flow's packets.
type flights struct {
	from      string // node that sends
	proto     string // tcp, udp, icmp
	signature probe.Signature
	isn       uint32 // tcp: the sequence number of the SYN
	known     bool   // isn is
	// stages are the ends of the request in each form that it was seen in.
	stages map[stage]bool
	ids    map[uint16]bool // IP ids of requests and replies, by which errors quote them
	all    []*flight
	byKey  map[string]*flight
	told   []event // all that the kernel told, in each node in order
}

type stage struct {
	src, dst     string
	sport, dport int
}

func stageOf(p *packet) stage {
	return stage{p.src.String(), p.dst.String(), p.sport, p.dport}
}

// sortOut finds the flow's packets among all that the posts saw.
func sortOut(sc *scene, from, proto string, signature probe.Signature, posts []*post) *flights {
	fs := &flights{
		from: from, proto: proto, signature: signature,
		stages: map[stage]bool{}, ids: map[uint16]bool{}, byKey: map[string]*flight{},
	}
	var events []event
	seen := map[string][]frame{}
	for _, p := range posts {
		events = append(events, p.events...)
		seen[p.node.Name] = p.frames
	}
	fs.told = events
	fs.findISN(seen[from], events)
	// First all are looked at, because what an answer or an error is known by may
	// be read after it. Then what others sent is left out, which may be much.
	for _, frames := range seen {
		for i := range frames {
			fs.concerns(frames[i].packet)
		}
	}
	for i := range events { // between two hooks a header may have a form that no device shows
		if p := events[i].packet; p != nil {
			fs.concerns(p)
		}
	}
	for node, frames := range seen {
		seen[node] = slices.DeleteFunc(slices.Clone(frames), func(f frame) bool { return !fs.concerns(f.packet) })
	}
	fs.collect(inOrder(sc, seen), events)
	slices.SortStableFunc(fs.all, func(a, b *flight) int { return a.first().Compare(b.first()) })
	fs.cut(sc)
	return fs
}

// cut gives packets of connections the size that they have on a wire. What a node sends may
// be seen as one large packet that only a network card would cut up (GSO); that it left by a
// device says that its parts are no larger than the device's MTU.
func (fs *flights) cut(sc *scene) {
	largest := map[Direction]int{}
	for _, f := range fs.all {
		if f.packet.proto != "tcp" || len(f.sightings) == 0 || !f.sightings[0].outgoing {
			continue
		}
		l := sc.linkAt(f.sightings[0].node, f.sightings[0].index)
		if l == nil || l.MTU == 0 {
			continue
		}
		largest[f.dir] = max(largest[f.dir], l.MTU)
		whole := f.packet.size
		if whole <= l.MTU {
			continue
		}
		for _, p := range append([]*packet{f.packet}, f.forms()...) {
			if p.size > l.MTU {
				p.size -= whole - l.MTU // a tunnel's packet as much as the one inside
			}
		}
	}
	for _, f := range fs.of(Error) {
		if q := f.packet.quoted; q != nil {
			if most := largest[fs.direction(q)]; most > 0 {
				q.size = min(q.size, most)
			}
		}
	}
}

// forms are the packets that a flight was seen as, and those that it was wrapped in.
func (f *flight) forms() (out []*packet) {
	seen := map[*packet]bool{f.packet: true}
	for _, x := range f.sightings {
		for _, p := range []*packet{x.packet, x.carrier} {
			if p != nil && !seen[p] {
				seen[p] = true
				out = append(out, p)
			}
		}
	}
	return out
}

// concerns reports whether a packet, or one inside it, may be of the flow.
func (fs *flights) concerns(p *packet) bool {
	inner := p.inner != nil && fs.concerns(p.inner)
	return fs.keyOf(p) != "" || inner
}

// findISN learns the sequence number of the connection's first packet.
func (fs *flights) findISN(frames []frame, events []event) {
	syn := func(node string, p *packet) bool {
		return node == fs.from && p != nil && p.proto == "tcp" && p.sport == fs.signature.SPort && p.flags&(flagSYN|flagACK) == flagSYN
	}
	for i := range frames {
		if syn(frames[i].node, frames[i].packet) {
			fs.isn, fs.known = frames[i].packet.seq, true
			return
		}
	}
	for i := range events {
		if syn(events[i].node, events[i].packet) {
			fs.isn, fs.known = events[i].packet.seq, true
			return
		}
	}
}

// collect fills in the flights anew.
func (fs *flights) collect(frames []frame, events []event) {
	fs.all, fs.byKey = nil, map[string]*flight{}
	for i := range frames {
		fs.see(frames[i], frames[i].packet, frames[i].dst, nil)
	}
	type packetID struct {
		node string
		id   uint32
	}
	current := map[packetID]*flight{}
	for i := range events {
		e := events[i]
		at := packetID{e.node, e.id}
		if e.packet != nil {
			current[at] = fs.flightOf(e.packet)
		}
		if f := current[at]; f != nil {
			f.events = append(f.events, e)
		}
	}
}

// see adds a sighting to the flight of a packet, and of those inside it.
func (fs *flights) see(at frame, p *packet, dst string, carrier *packet) {
	f := fs.flightOf(p)
	if p.inner != nil {
		fs.see(at, p.inner, p.innerDst, p)
		inner := fs.byKey[fs.keyOf(p.inner)]
		if inner == nil {
			return
		}
		if f == nil {
			f = fs.newFlight(carrierKey(p), inner.dir, p)
			f.arp = inner.arp
		}
		if !slices.Contains(inner.carriers, f) {
			inner.carriers = append(inner.carriers, f)
		}
	}
	if f != nil {
		f.sightings = append(f.sightings, sighting{frame: at, packet: p, dst: dst, carrier: carrier})
	}
}

func carrierKey(p *packet) string {
	return fmt.Sprintf("carrier %s %s %s %d %d", p.proto, p.src, p.dst, p.sport, p.dport)
}

// flightOf returns the flight of a packet, nil if it is not one of the flow's.
func (fs *flights) flightOf(p *packet) *flight {
	if f := fs.byKey[carrierKey(p)]; f != nil {
		return f
	}
	key := fs.keyOf(p)
	if key == "" {
		return nil
	}
	if f := fs.byKey[key]; f != nil {
		return f
	}
	dir := fs.direction(p)
	f := fs.newFlight(key, dir, p)
	f.arp = p.proto == "arp"
	return f
}

func (fs *flights) newFlight(key string, dir Direction, p *packet) *flight {
	f := &flight{key: key, dir: dir, packet: p}
	fs.byKey[key] = f
	fs.all = append(fs.all, f)
	return f
}

// keyOf tells a packet of the flow from its others; "" for one that is none.
func (fs *flights) keyOf(p *packet) string {
	if p.proto == "arp" {
		return fmt.Sprintf("arp %d %s %s", p.kind, p.src, p.dst)
	}
	dir := fs.direction(p)
	switch {
	case dir == "":
		return ""
	case dir == Error && p.quoted != nil:
		return fmt.Sprintf("error %d %d %d", p.kind, p.code, p.quoted.id)
	case p.proto == "tcp":
		return fmt.Sprintf("%s tcp %d %d %d %d", dir, p.seq, p.ack, p.flags, p.carried)
	}
	return fmt.Sprintf("%s %s %x", dir, p.proto, p.payload[:min(12, len(p.payload))])
}

// direction says which way of the flow a packet goes, "" if it is not of it.
func (fs *flights) direction(p *packet) Direction {
	if p.isError() {
		if q := p.quoted; q != nil && (fs.ids[q.id] || fs.direction(q) != "") {
			return Error
		}
		return ""
	}
	if p.proto != fs.proto && (fs.proto != "icmp" || p.proto != "icmp6") {
		return ""
	}
	dir := fs.mine(p)
	if dir == Request {
		fs.stages[stageOf(p)] = true
	}
	if dir != "" && p.id != 0 {
		fs.ids[p.id] = true
	}
	return dir
}

// window is how far a connection's sequence numbers are followed.
const window = 1 << 17

func (fs *flights) mine(p *packet) Direction {
	switch fs.proto {
	case "tcp":
		switch {
		case !fs.known:
		case p.seq-fs.isn < window && (p.sport == fs.signature.SPort || fs.stages[stageOf(p)] || p.flags&flagSYN != 0):
			return Request
		case p.flags&flagACK != 0 && p.ack-fs.isn < window:
			return Reply
		}
	case "udp":
		switch {
		case fs.answers(p):
			return Reply
		case len(fs.signature.Payload) > 0 && hasPrefix(p.payload, fs.signature.Payload):
			return Request
		}
	default:
		switch {
		case !hasPrefix(p.payload, fs.signature.Payload):
		case p.isEcho(false):
			return Request
		case p.isEcho(true):
			return Reply
		}
	}
	return ""
}

// answers reports whether a UDP packet goes back to where the request came from, in
// any form of that, whatever address it has been given as its source.
func (fs *flights) answers(p *packet) bool {
	for s := range fs.stages {
		if s.src == p.dst.String() && s.sport == p.dport && s.dport == p.sport {
			return true
		}
	}
	return false
}

// hasPrefix compares as much as a trace gives of a payload.
func hasPrefix(b, prefix []byte) bool {
	const traced = 12
	n := min(traced, len(prefix))
	return n > 0 && len(b) >= n && slices.Equal(b[:n], prefix[:n])
}

// of returns the flights of a direction, in the order in which they began.
func (fs *flights) of(dir Direction) (out []*flight) {
	for _, f := range fs.all {
		if f.dir == dir && !f.arp && !f.isCarrier() {
			out = append(out, f)
		}
	}
	return out
}

func (f *flight) isCarrier() bool { return f.packet.inner != nil }

// asked returns the ARP requests for an address that a node sent.
func (fs *flights) asked(node string, addr fmt.Stringer) *flight {
	return fs.arpFrom(node, func(p *packet) bool { return p.kind == 1 && p.dst.String() == addr.String() })
}

// answered returns the ARP answers about an address that were sent to another.
func (fs *flights) answered(addr fmt.Stringer) *flight {
	return fs.arpFrom("", func(p *packet) bool { return p.kind == 2 && p.src.String() == addr.String() })
}

func (fs *flights) arpFrom(node string, is func(*packet) bool) *flight {
	i := slices.IndexFunc(fs.all, func(f *flight) bool {
		if !f.arp || f.isCarrier() || !is(f.packet) {
			return false
		}
		return node == "" || len(f.sightings) > 0 && f.sightings[0].node == node ||
			len(f.sightings) == 0 && f.events[0].node == node
	})
	if i < 0 {
		return nil
	}
	return fs.all[i]
}

// eventsIn returns what the kernel told of a flight in one node.
func (f *flight) eventsIn(node string) (out []event) {
	for _, e := range f.events {
		if e.node == node {
			out = append(out, e)
		}
	}
	return out
}

// describe names a packet in tcpdump's words.
func (p *packet) describe() string {
	switch {
	case p.proto == "tcp":
		return "tcp " + flagWords(p.flags)
	case p.proto == "arp" && p.kind == 1:
		return "ARP who has " + p.dst.String()
	case p.proto == "arp":
		return "ARP " + p.src.String() + " is at"
	case p.isEcho(false):
		return p.proto + " echo request"
	case p.isEcho(true):
		return p.proto + " echo reply"
	case p.isError():
		return errorWords(p)
	case p.inner != nil && p.vni != 0:
		return fmt.Sprintf("VXLAN %d", p.vni)
	}
	return p.proto
}

func flagWords(b byte) string {
	s := ""
	for _, f := range []struct {
		bit  byte
		name string
	}{{flagSYN, "SYN"}, {flagFIN, "FIN"}, {flagRST, "RST"}, {flagPSH, "PSH"}, {flagACK, "ACK"}} {
		if b&f.bit != 0 {
			if s != "" {
				s += "+"
			}
			s += f.name
		}
	}
	return s
}

// errorWords names an ICMP error as ping does.
func errorWords(p *packet) string {
	if p.proto == "icmp6" {
		return cmp.Or(map[[2]byte]string{
			{1, 0}: "ICMPv6 no route", {1, 1}: "ICMPv6 administratively prohibited", {1, 3}: "ICMPv6 address unreachable",
			{1, 4}: "ICMPv6 port unreachable", {2, 0}: "ICMPv6 packet too big", {3, 0}: "ICMPv6 hop limit exceeded",
		}[[2]byte{p.kind, p.code}], fmt.Sprintf("ICMPv6 type %d code %d", p.kind, p.code))
	}
	return cmp.Or(map[[2]byte]string{
		{3, 0}: "ICMP network unreachable", {3, 1}: "ICMP host unreachable", {3, 2}: "ICMP protocol unreachable",
		{3, 3}: "ICMP port unreachable", {3, 4}: "ICMP fragmentation needed", {3, 9}: "ICMP network prohibited",
		{3, 10}: "ICMP host prohibited", {3, 13}: "ICMP administratively prohibited",
		{11, 0}: "ICMP time to live exceeded",
	}[[2]byte{p.kind, p.code}], fmt.Sprintf("ICMP type %d code %d", p.kind, p.code))
}

// protocols are those that can belong to a flow, errors and tunnels included.
func protocols(proto string) []byte {
	own := map[string][]byte{"tcp": {unix.IPPROTO_TCP}, "udp": nil, "icmp": nil}[proto]
	return append(own, unix.IPPROTO_UDP, unix.IPPROTO_ICMP, unix.IPPROTO_ICMPV6, unix.IPPROTO_IPIP)
}
