package check

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"underlay/engine"
	"underlay/engine/observe"
)

// translate follows the packet's destination as a node's rules at a hook may
// rewrite it. It reports whether it is known where the packet goes from there.
//
// It is, if all rules that may be for the packet lead to one address. That the
// packet met one of them is believed if it was lost, since a node loses little
// of what is addressed to itself. What was turned away may well never have met
// them, so one of them must have counted packets.
func (w *walk) translate(node, hook string) bool {
	st, ok := w.scene.known(node, observe.Firewall)
	if !ok {
		return false
	}
	var to netip.AddrPort
	counted := false
	for _, r := range st.Firewall {
		if r.Policy || r.Does != "dnat" && r.Does != "redirect" || !atHooks(r, hook) || !w.fits(r) {
			continue
		}
		target, ok := w.target(r)
		if !ok || to.IsValid() && target != to {
			return false
		}
		to = target
		counted = counted || r.Packets > 0
	}
	if !to.IsValid() {
		return true
	}
	if w.ended != engine.Timeout && !counted {
		return false
	}
	w.to, w.port, w.leg = to.Addr(), int(to.Port()), nil
	return true
}

// target returns where a rule sends the packet, if that is one address.
func (w *walk) target(r observe.FirewallRule) (netip.AddrPort, bool) {
	if r.Does != "dnat" {
		return netip.AddrPort{}, false
	}
	if to, err := netip.ParseAddrPort(r.To); err == nil {
		return to, true
	}
	a, err := netip.ParseAddr(r.To)
	return netip.AddrPortFrom(a, uint16(w.port)), err == nil
}

// fits reports whether a rule may be for the packet, as far as the plain words
// of its text tell: the protocol, the destination address and port. What else
// a rule asks for is not looked at.
func (w *walk) fits(r observe.FirewallRule) bool {
	if !carries(r.Family, w.to) {
		return false
	}
	words := strings.Fields(r.Text)
	for i := range len(words) - 1 {
		before := ""
		if i > 0 {
			before = words[i-1]
		}
		if before != "!" && !w.meets(before, words[i], words[i+1]) {
			return false
		}
	}
	return true
}

// meets reports whether the packet may be one that a word of a rule asks for,
// given the words around it.
func (w *walk) meets(before, word, value string) bool {
	switch word {
	case "-p", "protocol", "l4proto":
		return !isProto(value) || value == w.proto()
	case "--dport", "dport":
		n, err := strconv.Atoi(value)
		return (!isProto(before) || before == w.proto()) && (err != nil || n == w.port)
	case "-d", "daddr":
		if p, err := netip.ParsePrefix(value); err == nil {
			return p.Contains(w.to)
		}
		a, err := netip.ParseAddr(value)
		return err != nil || a == w.to
	}
	return true
}

func isProto(s string) bool { return slices.Contains([]string{"tcp", "udp", "icmp"}, s) }

// proto is the packet's protocol above IP.
func (w *walk) proto() string {
	if p := proto(w.check); p != "http" {
		return p
	}
	return "tcp"
}
