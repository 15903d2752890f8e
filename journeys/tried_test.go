package journeys

import (
	"strings"
	"testing"
)

const reason = "net.ipv4.ip_forward is 0"

// TestTheScreenGivesNothingAway tells why traffic fails when the learner has sent some, and
// not for looking around.
func TestTheScreenGivesNothingAway(t *testing.T) {
	v := depart(t, 100, 30, t.TempDir(), "lab", "egress-nat")
	v.until("the first prompt", atPrompt)
	v.untilText("Packets of c1 leave host", "Alt+9 follow the packet")
	v.command("ip -br addr; ip route; echo looked $((1+1))")
	if s := v.untilText("looked 2"); strings.Contains(s, reason) {
		t.Errorf("it is given away:\n%s", s)
	}
	v.command("clear; ping -c1 -W1 192.168.1.5 | grep transmitted")
	v.untilText("1 packets transmitted", "Dropped in host:", reason+",")
}

// TestTheDialogueGivesNothingAway is the same in lines, where :tasks waits until the lab
// has been judged.
func TestTheDialogueGivesNothingAway(t *testing.T) {
	said, errs, code := piped(t, t.TempDir(),
		"lab egress-nat\n:tasks\nip addr\n:tasks\n:node c1\nping -c1 -W1 192.168.1.5\n:tasks\n:leave\nquit\n", "--plain")
	if code != 0 || errs != "" {
		t.Errorf("it ended with %d and %q", code, errs)
	}
	before, after, sent := strings.Cut(said, "1 packets transmitted")
	if !sent || strings.Contains(before, "Dropped in") {
		t.Errorf("it is given away:\n%s", before)
	}
	tells(t, after, "Why: No packet from c1 arrives at ext. Dropped in host")
}
