package journeys

import (
	"regexp"
	"strings"
	"testing"
)

const alt0 = "\x1b0"

// mapped returns what the map shows: what is left of the divider between it and
// the shell, which is the last line to the left of the shell's tabs.
func mapped(screen string, width int) string {
	var out []string
	for _, row := range strings.Split(screen, "\n") {
		out = append(out, string([]rune(row)[:min(width, len([]rune(row)))]))
	}
	return strings.Join(out, "\n")
}

// untilMapped waits until the map matches each of these.
func (v *traveller) untilMapped(width int, patterns ...string) {
	v.t.Helper()
	for _, p := range patterns {
		re := regexp.MustCompile(p)
		v.until("a map with "+p, func(s string) bool { return re.MatchString(mapped(s, width)) })
	}
}

func TestTheMapFollowsWhatIsBuilt(t *testing.T) {
	v := depart(t, 100, 30, t.TempDir(), "lab", "docker0")
	v.until("the first prompt", atPrompt)
	v.types(alt0)
	const width = 36
	v.untilMapped(width, `host · the Docker host`, `c1 · a client`, `c2 · a web server`, `nothing plugged in`)
	v.command("ip link add docker0 type bridge; ip addr add 172.17.0.1/16 dev docker0")
	v.untilMapped(width, `┏ docker0`, `172\.17\.0\.1/16`, `down`)
	v.command("ip link set docker0 up; ip link add vc1 type veth peer name eth0 netns c1")
	v.untilMapped(width, `vc1 +down .*╳`, `eth0 +down .*╳`, `┄┄ dead   ╳ off`)
	v.command("ip link set vc1 master docker0 up; ip -n c1 link set eth0 up; ip -n c1 addr add 172.17.0.2/16 dev eth0")
	v.untilMapped(width, `┗ vc1 +\d+↓ \d+↑ ├─`, `172\.17\.0\.2/16`)
	v.command("ping -c12 -i0.01 172.17.0.2")
	v.untilMapped(width, `docker0 +[1-9]\d↓ [1-9]\d↑`)
	v.command("ip -n c1 link set eth0 down")
	v.untilMapped(width, `vc1 .*┄`, `no carrier`, `│•eth0 +down`, `• changed`)
	v.types(alt0)
	v.untilText("✓  host has a bridge called")
	v.leave()
}

func TestTheMapShowsByItselfOnALargeScreen(t *testing.T) {
	v := depart(t, 200, 60, t.TempDir(), "lab", "publish-dnat")
	v.untilText(" Map ", "Alt+0 hides it", "From the LAN, port", "lan · the office switch", "┣ vc1", "192.168.1.100/24")
	v.types(alt0)
	v.until("no map", func(s string) bool { return !strings.Contains(s, "the office switch") })
	v.leave()
}

func TestTheMapInASCIIOnASmallScreen(t *testing.T) {
	v := depart(t, 80, 24, t.TempDir(), "--ascii", "lab", "egress-nat")
	v.until("the first prompt", atPrompt)
	v.types(alt0)
	v.untilText("+ host - the Docker host -", "| = docker0", "+ ext - a server outside -", "packets in and out")
	v.types(escape)
	v.until("the prompt again", atPrompt)
}

func TestPlainMap(t *testing.T) {
	said, errs, code := piped(t, t.TempDir(), "ip link add vc1 type veth peer name eth0 netns c1\n:map\n:map drawn\n:quit\n", "--plain", "lab", "netns-veth")
	if code != 0 || errs != "" {
		t.Errorf("it ended with %d and %q", code, errs)
	}
	tells(t, said, "host> :map", "vc1: veth to eth0 of c1, down, received 0, sent 0", "eth0: veth to vc1 of host, down", ":map drawn", "vc1  down", "├╳")
}
