package autopsy

import (
	"slices"
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

	"delivered.duplicate-address": "delivered: {server} answered, but two devices have {address}: {device} in {node} ({mac}), which {client} sends to, and {peer} in {peer_node} ({peer_mac})[; {nodes} answered the ARP request]",

	"delivered.stale-entry": "delivered: {server} answered, but conntrack in {node} still sends what comes from {source} to {address} on to {old}, where no rule sends it now",

	"not-determined.unsent": "not determined: no packet was seen leaving {node} ({detail})[; ruled out: {ruled_out}][; counted in {node}: {suspects}][; next, run {command}]",
	"not-determined.in":     "not determined, last seen at {node}: the {packet} came in on {in}[; ruled out: {ruled_out}][; counted in {node}: {suspects}][; next, run {command}]",
	"not-determined.out":    "not determined, last seen at {node}: the {packet} went out on {out}[; ruled out: {ruled_out}][; counted in {node}: {suspects}][; next, run {command}]",
	"not-determined.inside": "not determined, last seen at {node}: the {packet} was seen on no device[; ruled out: {ruled_out}][; counted in {node}: {suspects}][; next, run {command}]",

	// Rules.
	"rule-drop":   "dropped in {node}, {chain}: the {packet} {way} matched the rule {rule}",
	"rule-reject": "rejected in {node}, {chain}: the {packet} {way} matched the rule {rule}",
	"policy-drop": "dropped in {node}, {chain}, policy DROP: no rule accepted the {packet} {way}",
	"rule-queue":  "lost in {node}, {chain}: the rule {rule} queued the {packet} for a program, and no program returned it",

	// Routing.
	"no-route.any":                       "{node} has no route to {address}",
	"no-route.no-default":                "{node} has no route to {address}: neither a default route nor one that covers it",
	"no-route.no-address":                "{node} has no route to {address}: it has no {family} address",
	"no-return-route.reply":              "the way back is missing: {node} has no route to {address}",
	"no-return-route.asked":              "{node} got the request but has no route to its sender {address}",
	"route-blackhole.route":              "{node} has a blackhole route for {prefix}, which discards packets for {address}",
	"route-blackhole.rule":               "{node} has the policy routing rule {priority} ({kind}), which discards packets for {address}",
	"route-unreachable.route":            "{node} has an unreachable route for {prefix}, which refuses packets for {address}",
	"route-unreachable.rule":             "{node} has the policy routing rule {priority} ({kind}), which refuses packets for {address}",
	"route-prohibit.route":               "{node} has a prohibit route for {prefix}, which refuses packets for {address}",
	"route-prohibit.rule":                "{node} has the policy routing rule {priority} ({kind}), which refuses packets for {address}",
	"forwarding-off":                     "dropped in {node}: {setting} is {value}, so {node} does not forward the packet for {address} that came in on {in}",
	"rp-filter.other-way-back":           "dropped in {node} by the reverse path filter ({setting} is {value}): the packet from {source} came in on {in}, but the route back goes out on {out}",
	"rp-filter.no-way-back":              "dropped in {node} by the reverse path filter ({setting} is {value}): the packet came from {source}, and there is no route back",
	"martian.own-source":                 "dropped in {node} as a martian: the packet came in on {in} with {node}'s own address {source} as its source",
	"martian.loopback-source":            "dropped in {node} as a martian: the packet came in on {in} with the loopback address {source} as its source",
	"martian.localhost":                  "dropped in {node}: {chain} sends the packet from {source} to {address}, and nothing leaves on {out} from a loopback address (route_localnet={value})",
	"martian.loopback":                   "dropped in {node} as a martian: the packet for {address} came in on {in}, which accepts no loopback addresses (route_localnet={value})",
	"multicast-not-forwarded.router":     "{nodes} joined the group {address}, but on another network than {client}'s, and {node}, which is on both, forwards no multicast: {setting} is {value}",
	"multicast-not-forwarded.ttl":        "dropped in {node}: the packet for the group {address} has a TTL of 1, and {nodes} joined it on another network than {client}'s",
	"multicast-not-forwarded.link-local": "{nodes} joined the group {address}, but on another network than {client}'s, and no router forwards a link-local group",
	"multicast-not-forwarded.nobody":     "{nodes} joined the group {address}, but on another network than {client}'s, and no router takes it there",
	"broadcast-not-forwarded":            "dropped in {node}: the packet for the broadcast address {address} came in on {in}, and {node} does not forward directed broadcasts ({setting} is {value})",
	"routing-loop":                       "the {packet} looped until its TTL ran out: {node} and {peer_node} send packets for {address} to each other",
	"route-to-itself":                    "{node} sends the {packet} for {address} to itself: its route there leads to {device}",
	"route-to-itself.address":            "{node} keeps the {packet} for {address} to itself: {source} on {device} makes all of {prefix} local to it",
	"route-to-itself.local":              "{node} keeps the {packet} for {address} to itself: one of its routes of type local covers that address",
	"ttl-exceeded":                       "dropped in {node}: the {packet}'s TTL ran out before it reached {address}",
	"packet-too-big.device":              "dropped in {node}: the {bytes}-byte {packet} has DF set, and the MTU of {device} is {mtu}",
	"packet-too-big.device-ipv6":         "dropped in {node}: the {bytes}-byte {packet} is IPv6, which is not fragmented on the way, and the MTU of {device} is {mtu}",
	"packet-too-big.route":               "dropped in {node}: the {bytes}-byte {packet} has DF set, and the MTU of the route to {address} is {mtu}",
	"packet-too-big.route-ipv6":          "dropped in {node}: the {bytes}-byte {packet} is IPv6, which is not fragmented on the way, and the MTU of the route to {address} is {mtu}",
	"packet-too-big.tunnel":              "dropped in {node}: the {bytes}-byte {packet} has DF set and, encapsulated by {device}, exceeds the path MTU to the tunnel's other end",
	"packet-too-big.tunnel-ipv6":         "dropped in {node}: the {bytes}-byte {packet} is IPv6, which is not fragmented on the way, and, encapsulated by {device}, exceeds the path MTU to the tunnel's other end",
	"packet-too-big.sender":              "not sent by {node}: the packet exceeds the MTU of {device}, which is {mtu}",

	// Devices, cables and bridges.
	"link-down.device":           "{device} in {node} is down",
	"link-down.carrier":          "{device} in {node} has no carrier",
	"link-down.holder":           "that address is on {device} in {node}, which is down",
	"link-down.lo":               "{device} in {node} is down, so {node} cannot reach itself",
	"link-down.only":             "{node} has no route to {address}: {device}, its only device, is down",
	"link-down.port":             "{device} in {node}, the port of {bridge} to {peer_node}, is down",
	"link-down.route":            "{device} in {node} is down, so its route to {prefix} is gone",
	"link-down.tunnel":           "{device} in {node} is down, so it decapsulates no packets of VXLAN {vni}",
	"peer-down.cable":            "lost between {peer_node} and {node}: {device} in {node}, the other end of {peer}, is down",
	"peer-down.carrier":          "{peer} in {peer_node} has no carrier: {device} in {node}, its other end, is down",
	"peer-down.target":           "{device} in {node} is down",
	"mtu-mismatch.cable":         "dropped by {device} in {node}: the {bytes}-byte {packet} exceeds its MTU of {mtu}; the MTU of {peer} in {peer_node}, its other end, is {peer_mtu}",
	"mtu-mismatch.port":          "dropped in {node}: the {bytes}-byte {packet} exceeds the MTU of port {device}, which is {mtu}, and a bridge does not fragment",
	"not-enslaved.bridge":        "{bridge} in {node} has no ports: no cable is plugged into it",
	"not-enslaved.device":        "the {packet} reached {device} in {node}, which is not a port of any bridge and has no address",
	"not-enslaved.peer":          "{device} in {node}, the other end of {peer} in {peer_node}, is not a port of any bridge",
	"not-enslaved.tunnel":        "{device} in {node} is not a port of any bridge, so it carries nothing from {bridge}",
	"different-bridges":          "in {node}, {device} is a port of {bridge}, but the {packet} is on {peer_bridge}",
	"ports-isolated":             "dropped in {node}: {in} and {out} are isolated ports of {bridge}, which passes nothing between them",
	"bridge-down.bridge":         "the bridge {bridge} in {node} is down",
	"bridge-down.frame":          "dropped in {node}: the bridge {bridge} is down",
	"port-not-forwarding.bridge": "{bridge} in {node} has no forwarding port",
	"port-not-forwarding.port":   "dropped in {node}: port {device} of {bridge} is {state}, not forwarding",
	"hairpin-off":                "dropped in {node}: the {packet} must go back out on {device}, and hairpin is off there",
	"wrong-mac.nobody":           "{node} sent the {packet} to {mac}, the MAC address in its {state} neighbour entry for {address}: no device has it",
	"wrong-mac.other":            "{node} sent the {packet} to {mac}, the MAC address in its {state} neighbour entry for {address}: it belongs to {peer} in {peer_node}",
	"fdb-wrong-port.elsewhere":   "a forwarding entry of {bridge} in {node}, added by hand, puts {mac} behind {device}, but it is behind {out}",
	"fdb-wrong-port.sent":        "{bridge} in {node} sent the {packet} out on {device}, where a forwarding entry added by hand puts {mac}, but it is not there",
	"fdb-wrong-port.local":       "a forwarding entry of {bridge} in {node} says that {mac} is local, so {bridge} gives the {packet} to {node} itself; {mac} is behind {out}",
	"not-flooded.unknown":        "dropped in {node}: {bridge} has no forwarding entry for {mac}, and flood is off on {device}, so the {packet} for an unknown MAC address does not go out there",
	"not-flooded.broadcast":      "dropped in {node}: bcast_flood is off on {device}, so {bridge} sends no broadcast out there, and the {packet} is one",
	"not-flooded.multicast":      "dropped in {node}: mcast_flood is off on {device}, so {bridge} sends no multicast out there, and the {packet} is one",
	"port-locked":                "dropped in {node}: port {device} of {bridge} is locked and has no forwarding entry for the sender {mac}",
	"vlan-filtered.in":           "dropped in {node}: {bridge} filters VLANs, and port {device} has no VLAN for the {packet} that came in there",
	"vlan-filtered.out":          "dropped in {node}: {bridge} filters VLANs, and the {packet} is in VLAN {vlan}, which {device} does not have",
	"duplicate-mac":              "two devices have the MAC address {mac}, {device} in {node} and {peer} in {peer_node}: the {packet} for one of them does not reach it",
	"fdb-wrong-port.learned":     "{bridge} in {node} learned that {mac} is behind {device}, but it is behind {out}, and no frame from there corrected that",
	"queue.dropped":              "dropped in {node} by the {kind} qdisc of {device}, which counted {count#dropped packet|dropped packets}",
	"queue.waiting":              "the {packet} waits in {node}: the {kind} qdisc of {device} holds {count#packet|packets}",
	"macvlan-parent":             "{device} in {node} is a macvlan on {peer} in {peer_node}, and a macvlan and its parent cannot reach each other",
	"macvlan-private":            "{device} in {node} is a macvlan in mode {kind}, which hears nothing from other macvlans on {peer}",

	// Neighbours. They are said behind the symptom that a question got no answer.
	"nobody-has-address":       "no node has that address",
	"address-elsewhere":        "that address is on {peer} in {peer_node}, which is on another network",
	"address-on-port":          "{device} is a port of {bridge}, which takes whatever comes in there: an address for this network belongs on {bridge}",
	"duplicate-address.source": "two devices have {address}: {device} in {node} ({mac}) and {peer} in {peer_node} ({peer_mac}); {node} accepts no packet from its own address",
	"duplicate-address":        "two devices have {address}: {device} in {node} ({mac}), which {client} sent to, and {peer} in {peer_node} ({peer_mac})[; {nodes} answered the ARP request]",
	"not-joined":               "{node} sent the packet out on {device}, but no node has joined the group {address}",
	"nobody-on-network":        "{node} sent the packet for {address} out on {device}, and no other node has an address on that network",
	"arp-ignored":              "{node} got the request on {in} and does not answer: {setting} is {value}",

	// Tunnels.
	"vxlan-no-remote.nowhere": "dropped in {node}: {device} has no remote and no forwarding entry that says where to send {mac}",
	"vxlan-no-remote.itself":  "dropped in {node}: {device} sends to {address}, which is {node} itself",
	"vxlan-vni-mismatch":      "{device} in {node} is VXLAN {vni}, but the packet belongs to VXLAN {packet_vni}",
	"vxlan-port-mismatch":     "{device} in {node} listens for VXLAN on UDP port {port}, but the packet came to port {packet_port}",
	"no-tunnel-end":           "{node} has no VXLAN device to decapsulate the packet for UDP port {port}",

	// What the kernel only counts.
	"no-free-port":       "dropped in {node}, {chain}: the rule {rule} has no free port to translate the {packet} to (conntrack: {counter} grew by {count})",
	"checksum.transport": "dropped in {node}: the {packet} has a wrong {proto} checksum ({counter} grew by {count})",
	"checksum.header":    "dropped in {node}: the {packet} that came in on {in} has a wrong IP checksum ({counter} grew by {count})",

	// Sockets.
	"no-listener.group":                "{node} has joined the group {address}, but nothing there listens on {proto}/{port}[ (the packet reached {nodes})]",
	"no-listener.broadcast":            "{node} got the packet for {address}, but nothing there listens on {proto}/{port}[ (the packet reached {nodes})]",
	"tcp-to-many":                      "{node} cannot connect to {address}: TCP has two ends, and that address is for many",
	"no-listener":                      "refused by {node}: nothing there listens on {proto}/{port}",
	"bound-elsewhere":                  "refused by {node}: the server on {proto}/{port} is bound to {addresses} only, and the packet was for {address}",
	"bound-to-device":                  "refused by {node}: the server on {proto}/{port} accepts packets only on {device}",
	"server-silent.connection":         "{node} accepted the connection, but its server on {proto}/{port} did not answer: {detail}",
	"server-silent.datagram":           "{node} got the packet, but its server on {proto}/{port} did not answer",
	"echo-ignored":                     "{node} got the echo request but answers none: {setting} is {value}",
	"reply-untranslated.around":        "the reply left {server} untranslated, with source {source}, but {client} had called {address}: it did not come back through {translator}, which had rewritten the request's destination",
	"reply-untranslated.bridged":       "the reply left {server} untranslated, with source {source}: the bridge {bridge} in {node} switched it past conntrack",
	"reply-untranslated.bridge-nf-off": "the reply left {server} untranslated, with source {source}: the bridge {bridge} in {node} switched it past conntrack (bridge-nf-call-iptables={value})",
	"reply-other-source":               "the reply left {server} with source {source}, but {client} had called {address} and accepts a reply from no other address",

	// Names.
	"no-name-server":     "{detail}",
	"name-not-found":     "{detail}",
	"name-server-failed": "{detail}",

	"no-address": "{node} has no address to send to",

	// What a reason led to.
	"symptom.no-answer":     "{node} gets no {answer} for {address} on {device}",
	"symptom.policy-route":  "{node} sends the {packet} for {address} out on {out} by the policy routing rule {priority} (table {table}), where its main table says {peer}",
	"symptom.no-carrier":    "{device} in {node} has no carrier",
	"symptom.no-port-up":    "{bridge} in {node} has no port that is up",
	"symptom.tunnel-lost":   "the packets that {device} sends are lost",
	"symptom.query-lost":    "{name} was not resolved: the query to {server} was lost",
	"symptom.query-refused": "{name} was not resolved",

	// What died: {packet}.
	"packet.request":     "packet",
	"packet.reply":       "reply",
	"packet.error":       "error",
	"packet.tunnel":      "tunnel packet",
	"packet.arp-request": "ARP request for {address}",
	"packet.arp-reply":   "ARP reply from {address}",

	// Where a rule met it: {way}.
	"way.forward": "from {in} to {out}",
	"way.in":      "coming in on {in}",
	"way.out":     "going out on {out}",
	"way.output":  "sent by {node}",
	"way.device":  "at {device}",
	"way.hook":    "at the {hook} hook",

	// What could not be watched.
	"blind.overflow": "In {node} more happened than the kernel reported.",
	"blind.rules":    "The rules in {node} cannot be traced: {detail}.",
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
	return retold(v)
}

// because makes a verdict the symptom of another.
func because(v, cause Verdict) Verdict {
	if v.Reason != ReasonUnknown {
		cause.Symptoms = slices.Concat(v.Symptoms, []engine.Symptom{{Code: v.Code, Args: v.Args}})
	}
	return retold(cause)
}

// retold is a verdict with its text made anew.
func retold(v Verdict) Verdict {
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
