package format

import (
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"underlay/engine"
	"underlay/labs"
)

// What lists say of the built-in labs is read from their heads, and is what reading them says,
// whichever parameters are drawn.
func TestBuiltinAtAGlance(t *testing.T) {
	for seed := range int64(20) {
		c, err := Open(labs.Files, seed)
		if err != nil {
			t.Fatal(err)
		}
		for i, lab := range all(t, c) {
			e := c.entries[i]
			if !reflect.DeepEqual(e.info, lab.Info()) {
				t.Errorf("%s: from its head it is %+v, with seed %d it is %+v", lab.ID, e.info, seed, lab.Info())
			}
			if _, ok := e.source.readHead(); !ok {
				t.Errorf("%s cannot be read from its head, so the start waits until it is parsed. "+
					"Write title, summary and requires on one line each, without parameters, and tasks and faults as lists", lab.ID)
			}
		}
	}
}

// A lab that is not written plainly is read whole, so that lists say the same of it.
func TestSkimSaysWhatReadingSays(t *testing.T) {
	base := string(sample(t)["x/lab.yaml"].Data)
	for name, test := range map[string]struct {
		old, new string
		head     bool
	}{
		"as it is":             {"", "", true},
		"comments":             {"title: A sample", "# A comment\ntitle: A sample # of a lab\n\n  # and more", true},
		"double quotes":        {"A sample", `"A sample: one # two"`, true},
		"single quotes":        {"A sample", `'A sample, [one]'`, true},
		"escapes":              {"A sample", `"A \"sample\""`, false},
		"doubled quotes":       {"A sample", `'A ''sample'''`, false},
		"a quote in the midst": {"A sample", `A "sample" 'of' [a] lab, #1`, true},
		"not ASCII":            {"A sample", "Änderung → one", true},
		"a text that goes on":  {"A sample", "A\n  sample", false},
		"a folded text":        {"A sample", ">\n  A\n  sample", false},
		"a literal text":       {"A sample", "|\n  A sample", false},
		"a tag":                {"A sample", "A: sample", false},
		"a word of YAML":       {"A sample", `"true"`, true},
		"a parameter":          {"title: A sample", "params: {x: [A, B]}\ntitle: \"${x} sample\"", false},
		"a number as text":     {"A sample", `"5"`, true},
		"requires":             {"minutes: 5", "minutes: 5 # or so\nrequires: [veth, bridge]", true},
		"requires one":         {"minutes: 5", "minutes: 5\nrequires: veth", false},
		"requires in lines":    {"minutes: 5", "minutes: 5\nrequires:\n  - veth", false},
		"requires nothing":     {"minutes: 5", "minutes: 5\nrequires: []", false},
		"formerly":             {"id: sample", "id: sample\nformerly: [simple, easy] # of old", true},
		"formerly a hash":      {"id: sample", "id: sample\nformerly: [simple, # of old\n  easy]", false},
		"formerly one":         {"id: sample", "id: sample\nformerly: simple", false},
		"formerly in lines":    {"id: sample", "id: sample\nformerly:\n  - simple", false},
		"a task's formerly":    {"- id: ping\n", "- id: ping\n    # of old\n\n    formerly: [reach, pong]\n", true},
		"a task's in lines":    {"- id: ping\n", "- id: ping\n    formerly:\n      - reach\n", false},
		"a task's in a text":   {"goal: a pings b.", "goal: |\n      a pings b, formerly\n      formerly: [c]", true},
		"a task's in quotes":   {"- id: ping\n", "- id: ping\n    \"formerly\": [reach]\n", false},
		"hexadecimal minutes":  {"minutes: 5", "minutes: 0x5", false},
		"order":                {"minutes: 5", "minutes: 5\norder: 12", true},
		"a list at the margin": {"tasks:\n  -", "tasks:\n-", false},
		"two tasks": {"tasks:\n", "tasks:\n  # the first\n  - id: first\n    goal: |\n      - id: none\n        goal: none\n" +
			"    checks: [{traffic: {from: a, to: 10.0.0.2, proto: icmp}}]\n    hints: {symptom: No answer., layer: The cable., command: ip link, solution: ip link set eth0 up}\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(base, test.old, test.new, 1)
			if name == "a list at the margin" {
				text = strings.ReplaceAll(text, "\n    ", "\n  ")
			}
			fsys := fstest.MapFS{"bridge/x/lab.yaml": {Data: []byte(text)}, "bridge/x/solve.sh": {Data: []byte("ip link\n")}}
			for seed := range int64(3) {
				whole, wholeErr := Load(fsys, seed)
				c, err := Open(fsys, seed)
				if name == "a tag" { // which is no lab at all
					if err == nil || wholeErr == nil {
						t.Error("it is taken for a lab")
					}
					return
				}
				if err != nil || wholeErr != nil {
					t.Fatal(err, wholeErr)
				}
				if want := all(t, whole)[0].Info(); !reflect.DeepEqual(c.Infos(), []*engine.LabInfo{want}) {
					t.Errorf("%+v, want %+v", c.Infos()[0], want)
				}
				if _, ok := c.entries[0].source.readHead(); ok != test.head {
					t.Errorf("read from its head: %v", ok)
				}
			}
		})
	}
}

// A lab of the built-in ones that is wrong says so when it is opened; a wrong head at once.
func TestWrongLabsOfTheBuiltInOnes(t *testing.T) {
	fsys := fstest.MapFS{
		"bridge/x/lab.yaml": {Data: []byte(strings.Replace(string(sample(t)["x/lab.yaml"].Data), "from: a", "from: c", 1))},
		"bridge/x/solve.sh": {Data: []byte("ip link\n")},
	}
	c, err := Open(fsys, 0)
	if err != nil || idsOf(c) != "sample" {
		t.Fatalf("%q, %v", idsOf(c), err)
	}
	const want = `labs/bridge/x/lab.yaml:17:25: unknown node "c"; nodes here: a, b`
	if _, err := c.Lab("sample"); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if _, err := c.All(); err == nil {
		t.Error("all labs can be read")
	}
	fsys["bridge/x/lab.yaml"].Data = []byte("id: x\n")
	if _, err := Open(fsys, 0); err == nil {
		t.Error("a lab without a title is listed")
	}
}
