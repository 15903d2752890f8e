package journeys

import (
	"strings"
	"testing"
)

// hostile is something that ruins a machine, typed into a lab.
type hostile struct {
	name, lab, command string
	says               []string // what the screen then says, each part on one line
}

var hostiles = []hostile{
	{"everything removed", "docker0", "rm -rf /etc / --no-preserve-root 2>/dev/null", []string{"Something happened to the lab", "deleted in this lab"}},
	{"interface deleted", "egress-nat", "ip link del eth0", []string{"ext has no interface eth0"}},
	{"firewall flushed", "publish-dnat", "iptables -F; iptables -t nat -F", []string{"Containers still get out"}},
	{"root made writable", "docker0", "mount -o remount,rw / ; touch /usr/underlay-was-here", []string{"cannot touch", "Read-only file system"}},
	{"fork bomb", "docker0", "bomb() { bomb | bomb & }; bomb", []string{"Something happened to the lab", "a fork bomb?"}},
	{"/tmp filled", "docker0", "cat /dev/zero >/tmp/zeros", []string{"Something happened to the lab", "/tmp of this lab is full"}},
}

// TestRuinsEndWithTheLab types what ruins a machine. The lab says what happened,
// reset brings it back, and the machine is as it was.
func TestRuinsEndWithTheLab(t *testing.T) {
	for _, h := range hostiles {
		t.Run(h.name, func(t *testing.T) {
			before := machineState(t)
			v := depart(t, 110, 40, t.TempDir(), "lab", h.lab)
			v.until("the first prompt", atPrompt)
			v.command(h.command)
			v.until(strings.Join(h.says, " and "), func(s string) bool {
				flat := strings.Join(strings.Fields(strings.NewReplacer("│", " ", "▎", " ").Replace(s)), " ")
				for _, part := range h.says {
					if !strings.Contains(flat, part) {
						return false
					}
				}
				return true
			})
			v.types(f5)
			v.untilText("Start again?")
			v.types("y")
			v.until("a prompt in the new world", func(s string) bool {
				return atPrompt(s) && !strings.Contains(s, "Something happened") && !strings.Contains(s, h.command[:8])
			})
			v.command("cat /etc/hostname >/dev/null && echo alive-$((40+2)); ip -br link; ls /tmp | wc -l")
			v.untilText("alive-42", "UNKNOWN")
			v.leave()
			after := machineState(t)
			for part, was := range before {
				if after[part] != was {
					t.Errorf("%s of the machine changed:\n%s\nbecame\n%s", part, was, after[part])
				}
			}
		})
	}
}
