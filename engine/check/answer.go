package check

import (
	"context"
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
		return broken("answer.malformed", args{Value: c.Of})
	}
	text := strings.TrimSpace(r.answers[s.task])
	if text == "" {
		return fail("answer.none", args{})
	}
	st, bad := s.facts.node(node, answerFacet(kind))
	if bad != nil {
		return *bad
	}
	l := findLink(st, iface)
	if l == nil {
		return noInterface(st, iface)
	}
	right, code := true, "answer"
	switch kind {
	case "mac":
		right, code = answersMAC(text, l.MAC)
	case "addr":
		right, code = answersAddr(text, iface, st.Addrs)
	case "ifindex":
		right, code = answersNumber(text, l.Index)
	case "mtu":
		right, code = answersNumber(text, l.MTU)
	case "peer":
		if l.PeerName == "" {
			return broken("answer.no-peer", args{Device: iface, Node: node})
		}
		right = answersPeer(text, *l)
	}
	return passIf(right, code, args{Value: text})
}

// The comparisons below return whether an answer is right, and the code: whether it has the
// right form at all.

func answersMAC(text, mac string) (right bool, code string) {
	if _, err := net.ParseMAC(text); err != nil {
		return false, "answer.not-mac"
	}
	return sameMAC(text, mac), "answer"
}

func answersAddr(text, dev string, addrs []observe.Addr) (right bool, code string) {
	want, ok := parseAddrWant(text)
	if !ok {
		return false, "answer.not-address"
	}
	for _, a := range addrs {
		if a.Dev == dev && want.matches(a.Prefix) {
			return true, "answer"
		}
	}
	return false, "answer"
}

func answersNumber(text string, number int) (right bool, code string) {
	n, err := strconv.Atoi(text)
	if err != nil {
		return false, "answer.not-number"
	}
	return n == number, "answer"
}

// answersPeer accepts the name of the other end, with or without its node, and
// as ip prints it ("veth0@if2").
func answersPeer(text string, l observe.Link) bool {
	text, _, _ = strings.Cut(text, "@")
	return text == l.PeerName || l.PeerNode != "" && text == l.PeerNode+"/"+l.PeerName
}
