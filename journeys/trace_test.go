package journeys

import (
	"regexp"
	"strings"
	"testing"
)

const bridgeHalf = "ip link add docker0 type bridge; ip addr add 172.17.0.1/16 dev docker0; ip link set docker0 up; " +
	"ip link add vc1 type veth peer name eth0 netns c1; ip link set vc1 up; ip -n c1 addr add 172.17.0.2/16 dev eth0; ip -n c1 link set eth0 up"

// TestATraceInALabsShell: a cable that nobody plugged in is named, and the way there
// is told once it is.
func TestATraceInALabsShell(t *testing.T) {
	v := depart(t, 150, 45, t.TempDir(), "lab", "docker0")
	v.until("the first prompt", atPrompt)
	v.command(bridgeHalf)
	v.untilText("✓  host has a bridge called")
	v.command("clear; ip netns exec c1 underlay trace 172.17.0.1; echo ended with $?")
	v.untilText("✗ host gets no ARP reply for 172.17.0.2", "not a port of any bridge", "ended with 1")
	v.command("clear; ip link set vc1 master docker0; underlay trace c1 172.17.0.1; echo ended with $?")
	v.untilText("✓ delivered: host answered", "c1 → 172.17.0.1/icmp", "there icmp echo request", "● host vc1", "ended with 0")
	v.mu.Lock()
	raw := string(v.raw)
	v.mu.Unlock()
	if !strings.Contains(raw, "\x1b[") {
		t.Error("nothing is coloured on a terminal")
	}
	// Ctrl-C gives one up that waits for silence: its packet is there once the rule has counted it.
	v.command("clear; iptables -A INPUT -p udp -j DROP; (until iptables -vxnL INPUT | grep -q '^ *[1-9].*DROP'; do sleep 0.05; done; echo under''way) & " +
		"underlay trace c1 172.17.0.1:9/udp --wait 5s")
	v.untilText("underway")
	v.types("\x03")
	v.untilText("error: interrupted", "hint: nothing of the trace is left in the lab")
	v.command("clear; nft list tables; ls /run/underlay; echo all of it")
	if left := v.untilText("all of it"); regexp.MustCompile(`(?m)table \S+ underlay`).MatchString(left) {
		t.Errorf("tables are left:\n%s", left)
	}
	v.leave()
}

// TestPlainTrace asks for it both ways: by the dialogue's command, and in its shell.
func TestPlainTrace(t *testing.T) {
	said, errs, code := piped(t, t.TempDir(), bridgeHalf+"\n:trace c1 172.17.0.1\nip link set vc1 master docker0\n:trace c1 172.17.0.1\nunderlay trace c1 172.17.0.9\n:quit\n",
		"--plain", "lab", "docker0")
	if code != 0 || errs != "" {
		t.Errorf("it ended with %d and %q", code, errs)
	}
	tells(t, said, "host> :trace c1 172.17.0.1\n\nNot delivered: host gets no ARP reply for 172.17.0.2", "is not a port of any bridge.", "Sent from c1 to 172.17.0.1, by icmp",
		"host> :trace c1", "Delivered: host answered.", "The way there: icmp echo request from 172.17.0.2 to 172.17.0.1.", "1. c1: made here, out by eth0.",
		"host> underlay trace", "Not delivered: c1 gets no ARP reply for 172.17.0.9", "host> :quit")
}
