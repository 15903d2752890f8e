package journeys

import (
	"regexp"
	"strings"
	"testing"

	"underlay/engine"
)

// TestWideRepairsAreNone: what makes the symptom go away at the cost of something
// else, or takes a way round, does not solve it.
func TestWideRepairsAreNone(t *testing.T) {
	for name, r := range map[string]struct{ lab, fault, script string }{
		"flushed routes":       {"netns-veth", "blackhole", "# node: c1\nip route flush table main\n"},
		"no bridge any more":   {"docker0", "isolated", "ip link set vc1 nomaster\nip link set vc2 nomaster\n"},
		"unscoped masquerade":  {"egress-nat", "no-masquerade", "iptables -t nat -A POSTROUTING -j MASQUERADE\n"},
		"a route in ext":       {"egress-nat", "no-masquerade", "ip netns exec ext ip route add ${net}.0.0/16 via ${lan}.100\n"},
		"everything flushed":   {"egress-nat", "forward-drop", "iptables -P FORWARD ACCEPT\niptables -F\niptables -t nat -F\n"},
		"flushed nat":          {"egress-nat", "tcp-only", "iptables -t nat -F\n"},
		"flushed filter + nat": {"publish-dnat", "new-dropped", "iptables -F\niptables -t nat -F\niptables -P FORWARD ACCEPT\n"},
		"flushed chain":        {"publish-dnat", "returned", "iptables -t nat -F DOCKER\n"},
		"flushed postrouting":  {"publish-dnat", "masked", "iptables -t nat -F POSTROUTING\n"},
		"every port":           {"publish-dnat", "wrong-port", "iptables -t nat -R DOCKER 1 ! -i docker0 -p tcp -j DNAT --to-destination ${net}.0.2:80\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := try(t, r.lab, engine.Script{Name: "wide", Text: r.script}, "--fault", r.fault, "--cause", r.fault)
			if got.Solved || got.Tasks[0].State != engine.Pass {
				t.Errorf("solved is %v: %v\n%s", got.Solved, got.states(), got.Transcript)
			}
		})
	}
}

// TestJourneyThroughAFault names a wrong cause, then the right one, repairs, and
// finds it remembered.
func TestJourneyThroughAFault(t *testing.T) {
	state := t.TempDir()
	v := depart(t, 100, 30, state, "lab", "egress-nat", "--fault", "forward-off")
	v.until("the first prompt", atPrompt)
	v.untilText("Something is broken", "After the reboot no container", "0 of 3")
	v.types(f7)
	s := v.untilText("What is wrong?", "host does not forward packets at all.", "go back")
	v.types(digit(t, s, "A firewall policy in host"))
	v.untilText("It is not that. No policy in host drops")
	v.types(f7)
	s = v.untilText("What is wrong?", "go back")
	v.types(digit(t, s, "host does not forward"))
	v.untilText("1 of 3", "That is the cause. Now repair it.")
	v.types(f9)
	v.untilText("See the repair?")
	v.types("n")
	v.until("the prompt again", atPrompt)
	v.command("sysctl -w net.ipv4.ip_forward=1")
	v.untilText("✓ Repaired", "without a hint", "was 0 in host", "another (6 left)")
	v.insists("q", "home", func(s string) bool { return strings.Contains(s, " lessons  ·  ") })
	v.untilMatch(`0 of \d+ labs`, `break-fix, 1 of 7 done`)
	v.types("b")
	v.untilText("Getting out, broken", "Surprise me", "The lab is already solved")
	v.types(enter)
	v.until("a shell in another broken lab", atPrompt)
	v.untilText("Something is broken", "0 of 3")
	v.leave()

	shown, _, _ := piped(t, state, "", "progress", "show")
	tells(t, shown, "egress-nat/forward-off", "solved")
	document, _, _ := piped(t, state, "", "progress", "export")
	other := t.TempDir()
	said, errs, code := piped(t, other, document, "progress", "import", "-")
	if code != 0 {
		t.Errorf("import ended with %d and %q", code, errs)
	}
	tells(t, said, "Imported 2 attempts")
	shown, _, _ = piped(t, other, "", "progress", "show")
	tells(t, shown, "egress-nat/forward-off", "solved")
}

// digit is the key that chooses the entry which begins with this text.
func digit(t *testing.T, screen, text string) string {
	t.Helper()
	m := regexp.MustCompile(`([1-9])  ` + regexp.QuoteMeta(text)).FindStringSubmatch(screen)
	if m == nil {
		t.Fatalf("%q is not there to choose:\n%s", text, screen)
	}
	return m[1]
}
