// Package autopsy sends a packet in a live lab, follows it from device to
// device and hook to hook, there and back, and names the one object that ate it
// and the one reason.
//
// What it says rests on what was seen: packet sockets in every node, and the
// kernel's own trace of the rules that the packet met (nftrace, which covers
// iptables-nft too). State (routes, neighbours, ports of bridges, sockets,
// settings, counters of iptables-legacy) only explains why the packet was not
// seen any further. Where it does not, the verdict is "not determined, last
// seen at …": never a guess.
//
// An autopsy changes nothing that a learner could meet. Its tables belong to its
// netlink sockets (NFT_TABLE_F_OWNER), so that the kernel takes them away when
// the sockets close, however the program ends; they hold filter chains without
// conntrack expressions, which leave conntrack off where it was off. Snapshots
// and events of engine/observe leave them out.
//
// The package knows no sandbox, no session and no check.
package autopsy

import (
	"underlay/engine"
	"underlay/engine/observe"
	"underlay/engine/probe"
)

// Flow and the other words are engine's, so that screens know them without this
// package; here they have short names.
type Flow = engine.Flow

type (
	// Report is what an autopsy found.
	Report = engine.Autopsy
	// Verdict names one object and one reason.
	Verdict = engine.Verdict
	// Hop is a packet's way through one node.
	Hop = engine.Hop
	// Header is what tells a packet's ends.
	Header = engine.Header
	// Decision is what happened to a packet at a hook.
	Decision = engine.Decision
	// Tracking is a conntrack entry.
	Tracking = engine.Tracking
	// Outcome is how a flow ended.
	Outcome = engine.Ending
	// Direction is which way a packet of the flow went.
	Direction = engine.Direction
	// Reason is why a flow ended as it did.
	Reason = engine.Reason
)

// Short names of its endings and directions.
const (
	Delivered    = engine.EndingDelivered
	Refused      = engine.EndingRefused
	Dropped      = engine.EndingDropped
	Unreachable  = engine.EndingUnreachable
	Undetermined = engine.EndingUndetermined

	Request = engine.DirectionRequest
	Reply   = engine.DirectionReply
	Error   = engine.DirectionError
	ARP     = engine.DirectionARP
)

// Instance is the lab as an autopsy sees it.
type Instance struct {
	Nodes []observe.Node
	// Reader reads these nodes. Failed neighbour entries are to be forgotten
	// before (wire.ForgetUnresolved), or the kernel does not ask again.
	Reader *observe.Reader
	// Names is how the sending node resolves names.
	Names probe.Names
	// Watching, if not nil, is called before tables are made in the nodes, and
	// what it returns when they have gone, which may be after Trace has returned.
	Watching func() (gone func())
}
