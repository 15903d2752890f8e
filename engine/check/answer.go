package check

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"

	"underlay/engine"
	"underlay/engine/observe"
)

var answerKind = spec[engine.AnswerCheck]{
	of: func(c *engine.Check) *engine.AnswerCheck { return c.Answer },
	needs: func(n *needs, c engine.AnswerCheck) {
		if kind, node, _, ok := splitAnswer(c.Of); ok {
			n.read(node, answerFacet(kind))
		}
	},
	judge:    judgeAnswer,
	describe: func(c engine.AnswerCheck) string { return rightAnswer(c.Prompt) },
}.kind()

// rightAnswer says what a question wants.
func rightAnswer(prompt string) string { return "the right answer to: " + prompt }

// splitAnswer takes apart what an answer is compared with: "mac:c1/eth0".
func splitAnswer(of string) (kind, node, iface string, ok bool) {
	kind, rest, ok := strings.Cut(of, ":")
	if !ok || answerFacet(kind) == 0 {
		return "", "", "", false
	}
	node, iface, ok = strings.Cut(rest, "/")
	return kind, node, iface, ok && node != "" && iface != ""
}

func answerFacet(kind string) observe.Facet {
	switch kind {
	case "mac", "ifindex", "peer", "mtu":
		return observe.Links
	case "addr":
		return observe.Links | observe.Addrs
	}
	return 0
}

func judgeAnswer(_ context.Context, r *run, s scope, c engine.AnswerCheck) verdict {
	kind, node, iface, ok := splitAnswer(c.Of)
	if !ok {
		return brokenf("%q is nothing that an answer can be compared with.", c.Of)
	}
	text := strings.TrimSpace(r.answers[s.task])
	if text == "" {
		return failed("no answer yet", "")
	}
	st, bad := s.facts.node(node, answerFacet(kind))
	if bad != nil {
		return *bad
	}
	l := findLink(st, iface)
	if l == nil {
		return failed(fmt.Sprintf("%s has no interface %s", node, iface), haveLinks(st))
	}
	got := fmt.Sprintf("you answered %q", text)
	right, form := true, ""
	switch kind {
	case "mac":
		right, form = answersMAC(text, l.MAC)
	case "addr":
		right, form = answersAddr(text, iface, st.Addrs)
	case "ifindex":
		right, form = answersNumber(text, l.Index)
	case "mtu":
		right, form = answersNumber(text, l.MTU)
	case "peer":
		if l.PeerName == "" {
			return brokenf("The other end of %s in %s could not be found.", iface, node)
		}
		right = answersPeer(text, *l)
	}
	if !right {
		return failed(got, form)
	}
	return passed(got)
}

// The comparisons below return whether an answer is right and, if it has not
// even the right form, what the right form is.

func answersMAC(text, mac string) (right bool, form string) {
	if _, err := net.ParseMAC(text); err != nil {
		return false, "A MAC address is six pairs of hexadecimal digits, such as 02:42:ac:11:00:02."
	}
	return sameMAC(text, mac), ""
}

func answersAddr(text, dev string, addrs []observe.Addr) (right bool, form string) {
	want, ok := parseAddrWant(text)
	if !ok {
		return false, "An address looks like 172.17.0.2 or 172.17.0.2/16."
	}
	for _, a := range addrs {
		if a.Dev == dev && want.matches(a.Prefix) {
			return true, ""
		}
	}
	return false, ""
}

func answersNumber(text string, number int) (right bool, form string) {
	n, err := strconv.Atoi(text)
	if err != nil {
		return false, "The answer is a number."
	}
	return n == number, ""
}

// answersPeer accepts the name of the other end, with or without its node, and
// as ip prints it ("veth0@if2").
func answersPeer(text string, l observe.Link) bool {
	text, _, _ = strings.Cut(text, "@")
	return text == l.PeerName || l.PeerNode != "" && text == l.PeerNode+"/"+l.PeerName
}
