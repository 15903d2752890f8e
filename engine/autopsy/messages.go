package autopsy

import (
	"strings"

	"underlay/engine"
	"underlay/engine/internal/phrase"
)

// args are what the messages are filled with.
type args = engine.VerdictArgs

// messages are the templates of all that an autopsy says, by their codes. A verdict's begins
// with its reason; the others, which are parts of sentences or stand beside a verdict, with
// what they are: symptom, packet, way, blind. What a verdict's text begins with, unless it is
// a name, is one of the openers that engine.Verdict.Sentence knows.
var messages = map[string]string{
	"delivered": "delivered: {node} answered",

	"not-determined.unsent": "not determined: no packet was seen to leave {node} ({detail})",
	"not-determined.in":     "not determined, last seen at {node}: the {packet} was coming in by {in}",
	"not-determined.out":    "not determined, last seen at {node}: the {packet} was leaving by {out}",
	"not-determined.inside": "not determined, last seen at {node}: the {packet} left by no device",

	// Rules.
	"rule-drop":   "dropped in {node}, {chain}: the {packet} was {way} and met the rule {rule}",
	"rule-reject": "rejected in {node}, {chain}: the {packet} was {way} and met the rule {rule}",
	"policy-drop": "dropped in {node}, {chain}, policy DROP: the {packet} was {way} and no rule accepted it",
	"rule-queue":  "lost in {node}, {chain}: the {packet} was handed to a program by the rule {rule}, and none gave it back",

	// Routing.
	"no-route.any":             "{node} has no route to {address}",
	"no-route.no-default":      "{node} has no route to {address}: neither a default route nor one to a subnet with that address",
	"no-route.no-address":      "{node} has no route to {address}: it has no {family} address",
	"no-return-route.reply":    "the way back is missing: {node} has no route to {address}",
	"no-return-route.asked":    "{node} was asked and has no route to {address}, who asked",
	"route-blackhole.route":    "{node} has a route of type {kind} for {prefix}, which refuses packets for {address}",
	"route-blackhole.rule":     "{node} has the policy routing rule {priority}, which is {kind} for packets for {address}",
	"route-unreachable.route":  "{node} has a route of type {kind} for {prefix}, which refuses packets for {address}",
	"route-unreachable.rule":   "{node} has the policy routing rule {priority}, which is {kind} for packets for {address}",
	"route-prohibit.route":     "{node} has a route of type {kind} for {prefix}, which refuses packets for {address}",
	"route-prohibit.rule":      "{node} has the policy routing rule {priority}, which is {kind} for packets for {address}",
	"forwarding-off":           "dropped in {node}: {setting} is {value}, so {node} does not forward; the packet for {address} came in by {in}",
	"rp-filter.other-way-back": "dropped in {node} by the reverse path filter ({setting} is {value}): a packet from {source} came in by {in}, but the way back to it leads by {out}",
	"rp-filter.no-way-back":    "dropped in {node} by the reverse path filter ({setting} is {value}): a packet from {source} came in, and there is no way back to it",
	"martian.own-source":       "dropped in {node} as a martian: a packet came in by {in} with {node}'s own address {source} as its source",
	"martian.loopback":         "dropped in {node} as a martian: a packet for {address} came in by {in}, which takes none for loopback addresses (route_localnet={value})",
	"routing-loop":             "the {packet} went round until its time to live ran out: {node} and {peer_node} send packets for {address} to each other",
	"route-to-itself":          "{node} sends the {packet} for {address} to itself: its route there leads to {device}",
	"ttl-exceeded":             "dropped in {node}: the {packet}'s time to live ran out there, before it got to {address}",
	"packet-too-big.device":    "dropped in {node}: the {packet} has {bytes} bytes and may not be fragmented, but the MTU of {device} is {mtu}",
	"packet-too-big.tunnel":    "dropped in {node}: the {packet} has {bytes} bytes and may not be fragmented, and wrapped by {device} it is larger than the MTU of the way to the tunnel's other end",
	"packet-too-big.sender":    "not sent by {node}: the packet is larger than the MTU of {device}, which is {mtu}",

	// Devices, cables and bridges.
	"link-down.device":           "{device} in {node} is down",
	"link-down.carrier":          "{device} in {node} has no carrier",
	"link-down.holder":           "it is on {device} in {node}, which is down",
	"link-down.lo":               "{device} in {node} is down, so it has no way to itself",
	"link-down.only":             "{node} has no route to {address}: {device}, its only device, is down",
	"link-down.port":             "{device} in {node}, the port of {bridge} towards {peer_node}, is down",
	"link-down.route":            "{device} in {node} is down, so its route to {prefix} is not there",
	"link-down.tunnel":           "{device} in {node} is down, so it does not open the packets of VXLAN {vni}",
	"peer-down.cable":            "lost between {peer_node} and {node}: {device} in {node}, the other end of {peer}, is down",
	"peer-down.carrier":          "{peer} in {peer_node} has no carrier: {device} in {node}, its other end, is down",
	"peer-down.target":           "{device} in {node} is down",
	"mtu-mismatch.cable":         "dropped by {device} in {node}: the {packet} has {bytes} bytes, and the MTU of {device} is {mtu} while that of {peer} in {peer_node}, its other end, is {peer_mtu}",
	"mtu-mismatch.port":          "dropped in {node}: the {packet} has {bytes} bytes, but the MTU of the port {device} is {mtu}, and a bridge does not fragment",
	"not-enslaved.bridge":        "{bridge} in {node} has no port: no cable is plugged into it",
	"not-enslaved.device":        "the {packet} came to {device} in {node}, which is a port of no bridge and has no address",
	"not-enslaved.peer":          "{device} in {node}, the other end of {peer} in {peer_node}, is a port of no bridge",
	"not-enslaved.tunnel":        "{device} in {node} is a port of no bridge, so it carries nothing of {bridge}",
	"different-bridges":          "in {node}, {device} is a port of {bridge}, but the {packet} is on {peer_bridge}",
	"ports-isolated":             "dropped in {node}: {in} and {out} are isolated ports of {bridge}, which passes nothing from one to the other",
	"bridge-down.bridge":         "the bridge {bridge} in {node} is down",
	"bridge-down.frame":          "dropped in {node}: the bridge {bridge} is down",
	"port-not-forwarding.bridge": "{bridge} in {node} has no port that forwards",
	"port-not-forwarding.port":   "dropped in {node}: the port {device} of {bridge} is {state}, not forwarding",
	"hairpin-off":                "dropped in {node}: the {packet} would have to leave by {device}, by which it came, and hairpin is off there",
	"wrong-mac.nobody":           "{node} sent the {packet} to the MAC address {mac}, which it has for {address} (state {state}): no device has it",
	"wrong-mac.other":            "{node} sent the {packet} to the MAC address {mac}, which it has for {address} (state {state}): it is that of {peer} in {peer_node}",
	"fdb-wrong-port.elsewhere":   "a forwarding entry of {bridge} in {node} made by hand says that {mac} is at {device}, but it is at {out}",
	"fdb-wrong-port.sent":        "{bridge} in {node} sent the {packet} out of {device}, where a forwarding entry made by hand says that {mac} is: it is not there",
	"macvlan-parent":             "{device} in {node} is a macvlan on {peer} in {peer_node}, and a macvlan and its own parent do not hear each other",
	"macvlan-private":            "{device} in {node} is a macvlan in mode {kind}, which hears nothing from others on the same parent {peer}",

	// Neighbours. They are said behind the symptom that a question got no answer.
	"nobody-has-address": "no node has that address",
	"address-elsewhere":  "that address is on {peer} in {peer_node}, which is on another network",
	"address-on-port":    "{device} is a port of {bridge}, and what comes in by a port is the bridge's: an address for this network belongs on {bridge}",
	"arp-ignored":        "{node} was asked by {in} and does not answer, because {setting} is {value} there",

	// Tunnels.
	"vxlan-no-remote.nowhere": "dropped in {node}: {device} has no remote and no forwarding entry that says to which node {mac} is to be sent",
	"vxlan-no-remote.itself":  "dropped in {node}: {device} sends to {address}, which is {node} itself",
	"vxlan-vni-mismatch":      "{device} in {node} is VXLAN {vni}, but the packet that came is of VXLAN {packet_vni}",
	"vxlan-port-mismatch":     "{device} in {node} takes VXLAN on UDP port {port}, but the packet came to port {packet_port}",
	"no-tunnel-end":           "{node} has no VXLAN device that would open the packet for UDP port {port}",

	// Sockets.
	"no-listener":                      "refused by {node}: nothing there listens on {proto}/{port}",
	"bound-elsewhere":                  "refused by {node}: the server on {proto}/{port} is bound to {addresses} only, and the packet was for {address}",
	"bound-to-device":                  "refused by {node}: the server on {proto}/{port} takes only what comes in by {device}",
	"server-silent.connection":         "{node} took the connection and its server on {proto}/{port} did not answer: {detail}",
	"server-silent.datagram":           "{node} got the packet and its server on {proto}/{port} did not answer",
	"echo-ignored":                     "{node} got the echo request and does not answer any: {setting} is {value}",
	"reply-untranslated.around":        "the reply left {server} with source {source} un-translated, but {client} had called {address}: it did not come back through {translator}, which had rewritten the request's destination",
	"reply-untranslated.bridged":       "the reply left {server} with source {source} un-translated: it was switched on the bridge {bridge} in {node} and never passed conntrack",
	"reply-untranslated.bridge-nf-off": "the reply left {server} with source {source} un-translated: it was switched on the bridge {bridge} in {node} and never passed conntrack (bridge-nf-call-iptables={value})",
	"reply-other-source":               "the reply left {server} with source {source}, but {client} had called {address} and takes an answer from no other",

	// Names.
	"no-name-server":     "{detail}",
	"name-not-found":     "{detail}",
	"name-server-failed": "{detail}",

	// What a reason led to.
	"symptom.no-answer":     "{node} gets no answer to its {question} for {address} on {device}",
	"symptom.no-carrier":    "{device} in {node} has no carrier",
	"symptom.no-port-up":    "{bridge} in {node} has no port that is up",
	"symptom.tunnel-lost":   "the packets of {device} are lost",
	"symptom.query-lost":    "{name} was not looked up: the question to {server} was lost",
	"symptom.query-refused": "{name} was not looked up",

	// What died: {packet}.
	"packet.request":     "packet",
	"packet.reply":       "reply",
	"packet.error":       "error",
	"packet.tunnel":      "tunnel packet",
	"packet.arp-request": "ARP request for {address}",
	"packet.arp-reply":   "ARP reply of {address}",

	// Where a rule met it: {way}.
	"way.forward": "{in} → {out}",
	"way.in":      "coming in by {in}",
	"way.out":     "leaving by {out}",
	"way.output":  "leaving",
	"way.device":  "at {device}",
	"way.hook":    "at {hook}",

	// What could not be watched.
	"blind.overflow": "In {node} so much happened that the kernel did not tell all of it.",
	"blind.rules":    "In {node} its rules cannot be traced: {detail}.",
}

// spot is where a packet died: the node, and the object that ate it.
type spot struct {
	node, object string
	dir          Direction // of the packet
}

// say makes the verdict whose message has this code. Its arguments are about the node where
// the packet died, unless they name another.
func say(code string, at spot, a args) Verdict {
	if a.Node == "" {
		a.Node = at.node
	}
	reason, _, _ := strings.Cut(code, ".")
	v := Verdict{Node: at.node, Object: at.object, Direction: at.dir, Reason: Reason(reason), Code: code, Args: a}
	v.Text = text(&v)
	return v
}

// behind puts a symptom before what a verdict has said so far. What is unknown led to nothing.
func behind(code string, a args, v Verdict) Verdict {
	if v.Reason == ReasonUnknown {
		return v
	}
	v.Symptoms = append([]engine.Symptom{{Code: code, Args: a}}, v.Symptoms...)
	v.Text = text(&v)
	return v
}

// text is a verdict's sentence.
func text(v *Verdict) string {
	var parts []string
	for _, s := range v.Symptoms {
		parts = append(parts, render(s.Code, s.Args))
	}
	return strings.Join(append(parts, render(v.Code, v.Args)), ": ")
}

// render fills a message.
func render(code string, a args) string { return phrase.Render(messages[code], a) }
