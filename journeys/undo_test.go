package journeys

import (
	"strings"
	"testing"
)

func TestWhatWasBrokenComesBackWithOneKey(t *testing.T) {
	v := depart(t, 100, 30, t.TempDir(), "lab", "netns-veth")
	v.until("the first prompt", atPrompt)
	// A word with '' in it is on the screen as a whole only once it was printed.
	v.command("ip link add vc1 type veth peer name eth0 netns c1; read -p rea''dy.")
	v.untilText("1 of 5", "ready.")
	v.insists(f12, "what has changed since the task", func(s string) bool {
		return strings.Contains(s, "Nothing has changed since.") && !strings.Contains(s, "the start")
	})
	v.types(escape)
	v.until("the shell", func(s string) bool { return !strings.Contains(s, "Go back?") })
	v.types(enter)
	v.until("the prompt", atPrompt)

	v.command("ip link del vc1; ip addr add 10.9.8.7/32 dev lo; echo bro''ken.")
	v.untilText("0 of 5", "broken.")
	v.types(f12)
	v.untilText("Go back?", "- link      vc1: veth", "+ address   10.9.8.7/32 dev lo", "y go back")
	v.types("y")
	v.untilText("1 of 5", "changes were undone")
	v.until("the same shell", atPrompt)
	v.command("ip -br link show vc1; ip -br addr show lo")
	v.until("the link", func(s string) bool {
		return strings.Contains(s, "vc1@") && !strings.Contains(s, "lo               UNKNOWN        127.0.0.1/8 10.9.8.7")
	})

	v.types(f12)
	v.untilText("another checkpoint")
	v.types("c")
	v.untilText("Go back to which checkpoint?", "the start")
	v.types("2")
	v.untilText("+ link      vc1: veth", "y go back")
	v.types("y")
	v.untilText("0 of 5")

	v.command("ip netns del c1; echo dele''ted.")
	v.untilText("deleted.")
	v.types(f12)
	v.untilText("- node      there", "y go back")
	v.types("y")
	v.untilText("The lab is back", "c1 was deleted.")
	v.types(enter)
	v.until("a prompt in the new world", atPrompt)
	v.command("ip link add vc1 type veth peer name eth0 netns c1")
	v.untilText("1 of 5")
	v.leave()
}
