package engine

import (
	"reflect"
	"testing"
)

func TestExpandLeavesTheScriptsOwnVariables(t *testing.T) {
	lab := &Lab{Params: map[string]string{"net": "10.1", "port": "8080"}}
	for script, want := range map[string]string{
		"ip addr add ${net}.0.1/16":                       "ip addr add 10.1.0.1/16",
		"net=1.2; echo ${net} ${port}":                    "net=1.2; echo ${net} 8080",
		"for net in a b; do echo ${net}; done":            "for net in a b; do echo ${net}; done",
		"read -r port; echo ${port} ${net}":               "read -r port; echo ${port} 10.1",
		"f() { local net; net=$1; echo ${net}; }":         "f() { local net; net=$1; echo ${net}; }",
		"echo ${other} $net":                              "echo ${other} $net",
		"ip link add subnet=x; echo ${net}":               "ip link add subnet=x; echo 10.1",
		"cat <<EOF\ntable ${net} {\n}\nEOF":               "cat <<EOF\ntable 10.1 {\n}\nEOF",
		"# for every net\necho ${net}":                    "# for every net\necho 10.1",
		"while read -r a net; do echo ${net}; done":       "while read -r a net; do echo ${net}; done",
		"export net\necho ${net}":                         "export net\necho ${net}",
		"x=1 net=2 sh -c 'echo ${net}'; nets=3; ${ports}": "x=1 net=2 sh -c 'echo ${net}'; nets=3; ${ports}",
	} {
		if got := lab.Expand(script); got != want {
			t.Errorf("%q became %q, not %q", script, got, want)
		}
	}
}

func TestPartsFollowTheNodeLines(t *testing.T) {
	for text, want := range map[string][]Script{
		"a\nb\n":                           {{Node: "n", Text: "a\nb\n"}},
		"# node: c1\na\n":                  {{Node: "c1", Text: "a\n"}},
		"a\n  # node: c1  \nb\n# node: c2": {{Node: "n", Text: "a\n"}, {Node: "c1", Text: "b\n"}},
		"# a comment\na\n":                 {{Node: "n", Text: "# a comment\na\n"}},
		"":                                 {{Node: "n"}},
	} {
		if got := (Script{Node: "n", Text: text}).Parts(); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, want %+v", text, got, want)
		}
	}
}
