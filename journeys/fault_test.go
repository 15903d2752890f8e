package journeys

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"underlay/engine"
	"underlay/labs"
)

// eachFault runs a test for every fault of every lab.
func eachFault(t *testing.T, test func(t *testing.T, lab *engine.Lab, f *engine.Fault)) {
	t.Helper()
	catalogue, err := labs.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for _, lab := range catalogue.All() {
		for i := range lab.Faults {
			f := &lab.Faults[i]
			t.Run(lab.ID+"/"+f.ID, func(t *testing.T) {
				t.Parallel()
				test(t, lab, f)
			})
		}
	}
}

var doNothing = engine.Script{Name: "nothing", Text: "true\n"}

// TestFaultsAreProven: each fault breaks what it says and nothing that must be
// kept, and its repair with the cause named solves it, with either alone it is not.
func TestFaultsAreProven(t *testing.T) {
	eachFault(t, func(t *testing.T, lab *engine.Lab, f *engine.Fault) {
		flags := []string{"--fault", f.ID, "--cause"}
		broken := try(t, lab.ID, doNothing, append(flags, f.ID)...)
		if broken.Solved || broken.Lab != lab.ID || broken.Fault != f.ID {
			t.Errorf("untouched it is %+v", broken)
		}
		wantStates(t, broken, engine.Pass, engine.Fail, engine.Fail)
		alive(t, broken)

		repaired := try(t, lab.ID, f.Repair, append(flags, f.ID)...)
		wantStates(t, repaired, engine.Pass, engine.Pass, engine.Pass)
		alive(t, repaired)

		misnamed := try(t, lab.ID, f.Repair, append(flags, otherCause(t, lab, f))...)
		wantStates(t, misnamed, engine.Fail, engine.Fail, engine.Fail)
		alive(t, misnamed)
	})
}

func wantStates(t *testing.T, r tried, want ...engine.State) {
	t.Helper()
	if got := r.states(); fmt.Sprint(got) != fmt.Sprint(want) || r.Solved != (want[len(want)-1] == engine.Pass) {
		t.Errorf("solved is %v, the tasks are %v, not %v: %+v\n%s", r.Solved, got, want, r.Tasks, r.Transcript)
	}
}

// otherCause is a wrong cause that the lab offers.
func otherCause(t *testing.T, lab *engine.Lab, f *engine.Fault) string {
	t.Helper()
	broken, err := engine.Faulted(lab, f.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range broken.Task(engine.TaskCause).Choice().Options {
		if o.ID != f.ID {
			return o.ID
		}
	}
	t.Fatal("there is one cause only to choose from")
	return ""
}

// TestEverySeedHasItsFaults breaks and repairs with other addresses.
func TestEverySeedHasItsFaults(t *testing.T) {
	catalogue, err := labs.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for _, lab := range catalogue.All() {
		for seed := range int64(2) {
			seed := fmt.Sprint(11 + seed)
			t.Run(lab.ID+"/"+seed, func(t *testing.T) {
				t.Parallel()
				drawn := try(t, lab.ID, doNothing, "--fault", "random", "--seed", seed)
				alive(t, drawn)
				for i := range lab.Faults {
					if f := &lab.Faults[i]; f.ID == drawn.Fault {
						r := try(t, lab.ID, engine.Script{Name: f.ID, Text: source(t, lab.ID, f.ID+".repair")}, "--fault", "random", "--seed", seed, "--cause", f.ID)
						wantStates(t, r, engine.Pass, engine.Pass, engine.Pass)
						return
					}
				}
				t.Errorf("seed %s drew %q", seed, drawn.Fault)
			})
		}
	}
}

// source is a fault's script as it is written, parameters and all.
func source(t *testing.T, lab, script string) string {
	t.Helper()
	b, err := os.ReadFile("../labs/" + lab + "/faults/" + script + ".sh")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var option = regexp.MustCompile(`(?m)^  ([a-f])\. `)

// TestCausesCanBeToldApart names every cause that is offered. All but one are
// answered with what speaks against them, and that one is right.
func TestCausesCanBeToldApart(t *testing.T) {
	eachFault(t, func(t *testing.T, lab *engine.Lab, f *engine.Fault) {
		broken, err := engine.Faulted(lab, f.ID)
		if err != nil {
			t.Fatal(err)
		}
		input, right := ":cause\n", ""
		for i, o := range broken.Task(engine.TaskCause).Choice().Options {
			if o.ID == f.ID {
				right = string(rune('a' + i))
				continue
			}
			input += fmt.Sprintf(":cause %c\n", 'a'+i)
		}
		said, errs, code := piped(t, t.TempDir(), input+":cause "+right+"\n:quit\n", "--plain", "lab", lab.ID, "--fault", f.ID)
		if code != 0 || errs != "" {
			t.Fatalf("it ended with %d and %q", code, errs)
		}
		text := strings.Join(strings.Fields(said), " ")
		tells(t, text, "Something is broken: “"+f.Symptom, "What is wrong?", "host> :cause "+right, "Done: Find the cause", "1 of 3 tasks done")
		wrong := len(option.FindAllString(said, -1)) - 1
		if n := strings.Count(text, "Why: It is not that."); n != wrong || wrong < 1 {
			t.Errorf("%d of %d wrong causes are answered:\n%s", n, wrong, said)
		}
		if strings.Contains(text, "does not speak against it") {
			t.Errorf("a wrong cause looks as if it were right:\n%s", said)
		}
	})
}

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
	v.untilText("0 of 4 labs", "break-fix, 1 of 7 done")
	v.types("b")
	v.untilText("Getting out, broken", "Surprise me", "The lab is solved already")
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
