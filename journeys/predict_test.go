package journeys

import "testing"

// TestPredict commits to an answer in a lesson and sees the kernel's: what was
// typed in the lab, what it printed, and which answer it confirms. It is found
// again as predicted.
func TestPredict(t *testing.T) {
	state := t.TempDir()
	v := depart(t, 100, 50, state)
	v.untilText(" lessons  ·  ")
	v.find("netns-veth")
	v.types(enter)
	v.untilText("Afterwards you can")
	v.types("\t")
	v.untilText("Prediction", "the kernel decides", "How does it arrive?", "a to d predict")
	v.types("d")
	v.untilText("Right. The kernel confirms d.", "predicted", "$ ip link set eth0 netns c1",
		"$ ip netns exec c1 ip -br addr show eth0", "DOWN", "seen  eth0 in c1 has no IPv4 address", "So move first")
	v.types("a")
	v.untilText("You have committed to d, and the kernel has answered.")
	v.types("\t")
	v.untilText("The cable works.", "a to c predict")
	v.types("a")
	v.untilText("Not so. You said a, the kernel confirms c.")
	v.types(escape)
	v.leave()
	shown, _, _ := piped(t, state, "", "progress", "show")
	tells(t, shown, "1 right and 1 wrong answers")

	v = depart(t, 100, 50, state)
	v.untilText(" lessons  ·  ")
	v.find("netns-veth")
	v.types(enter)
	v.untilText("Foundations and the default bridge · A container is a namespace")
	v.types("\x1b[H\t") // Home
	v.untilText("How does it arrive?", "predicted")
	v.types(escape)
	v.leave()
}
