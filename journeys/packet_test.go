package journeys

import (
	"regexp"
	"strings"
	"testing"
)

const (
	alt9  = "\x1b9"
	arrow = "\x1b[A" // up
)

// untilMatch waits until the screen matches each of these.
func (v *traveller) untilMatch(patterns ...string) {
	v.t.Helper()
	for _, p := range patterns {
		re := regexp.MustCompile(p)
		v.until("a screen with "+p, re.MatchString)
	}
}

// TestJourneyAlongAPacket goes from a red task to where its packet died, and back
// to the shell to make it live; twice, until the lab is solved.
func TestJourneyAlongAPacket(t *testing.T) {
	v := depart(t, 100, 30, t.TempDir(), "lab", "egress-nat")
	v.until("the first prompt", atPrompt)
	v.untilText("Packets of c1 leave host", "Alt+9 follow the packet")
	v.types(alt9)
	v.untilMatch(`✗ dropped in host: net\.ipv4\.ip_forward is 0`, `● c1 +here → eth0 .*\n`,
		`✗ host vc1 → docker0 → ✗ .*\n.* tcp SYN 172\.17\.0\.2:\d+ → 192\.168\.1\.5:80 *\n.* hooks: prerouting *\n.* ✗ dropped here: net\.ipv4\.ip_forward`)
	v.types(arrow)
	v.untilMatch(`● c1 +here → eth0 .*\n.*│   tcp SYN 172\.17\.0\.2`)
	v.types(alt0)
	v.untilMatch(`(?s)docker0: bridge.*the packet\b`)
	v.types(escape)
	v.until("the prompt again", atPrompt)
	v.types(alt0)
	v.command("sysctl -w net.ipv4.ip_forward=1")
	v.untilText("1 of 4", "Alt+9 follow the packet")
	v.types(alt9)
	v.untilMatch(`✗ the way back is missing: ext has no route to 172\.17\.0\.2`, `● host vc1 → docker0 → eth0 `,
		`back *\n.* ✗ ext  here → ✗ *\n.* ✗ dropped here: no route to 172\.17\.0\.2`)
	v.types("e")
	v.untilText("From which node, and where to?", "c1 192.168.1.5:80/http")
	v.types("\x15c1 172.17.0.3/icmp\r")
	v.untilMatch(`✓ delivered: c2 answered`, `○ host vc2 → vc1 |○ host vc2 → docker0 → vc1 `)
	v.types(alt9) // back to what the task wants
	v.untilText("the way back is missing")
	v.types(escape)
	v.until("the prompt again", atPrompt)
	v.command("iptables -t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE")
	v.untilText("Solved")
}

// TestAnAutopsyBesideTheMap shows both on a large screen, the shell beside them.
func TestAnAutopsyBesideTheMap(t *testing.T) {
	v := depart(t, 200, 60, t.TempDir(), "lab", "egress-nat")
	v.until("the first prompt", atPrompt)
	v.untilText("Alt+9 follow the packet", "┣ vc1")
	v.types(alt9)
	v.untilText("dropped here: net.ipv4.ip_forward", "▸┣ vc1", "▸┏ docker0", "Alt+9 shell")
	v.types(alt9)
	v.untilText("Alt+9 steps through it")
	v.command("ip route add blackhole 10.9.9.9") // which is no step towards the solution
	v.untilText("The lab has changed since. Alt+9 follows the packet again.", "host •")
	v.command("sysctl -w net.ipv4.ip_forward=1")
	v.until("a new checkpoint", func(s string) bool { return strings.Contains(s, "1 of 4") && !strings.Contains(s, "host •") })
	v.types(alt9)
	v.untilText("the way back is missing", "r again")
	v.until("nothing that is out of date", func(s string) bool { return !strings.Contains(s, "has changed since.") })
}
