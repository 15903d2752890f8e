package format

import (
	"testing"

	"underlay/engine"
)

func TestExpandScriptLeavesTheScriptsOwnVariables(t *testing.T) {
	lab := &engine.Lab{Params: map[string]string{"net": "10.1", "port": "8080"}}
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

		// What uses a parameter gives it no value.
		"for a in ${net}.0.1 ${net}.0.2; do ping $a; done": "for a in 10.1.0.1 10.1.0.2; do ping $a; done",
		"export GW=${net}.0.1; ip route add ${net}.1.0/24": "export GW=10.1.0.1; ip route add 10.1.1.0/24",
		"f() { local a=${net}.0.1; echo ${net} $a; }":      "f() { local a=10.1.0.1; echo 10.1 $a; }",
		"declare -r a=${net} b=${port}; echo ${net}":       "declare -r a=10.1 b=8080; echo 10.1",
		"read -r a <<<${net}; echo ${net}":                 "read -r a <<<10.1; echo 10.1",
		"read -p 'the port?' a; echo ${port}":              "read -p 'the port?' a; echo 8080",
		"echo for net in ${net}":                           "echo for net in 10.1",
		"echo 'export net'; echo ${net}":                   "echo 'export net'; echo 10.1",
		"[ ${port} = 8080 ] && echo net=${net}":            "[ 8080 = 8080 ] && echo net=10.1",
		// All ways to give one.
		"select net in a b; do echo ${net}; done":           "select net in a b; do echo ${net}; done",
		"printf -v net %s x; echo ${net}":                   "printf -v net %s x; echo ${net}",
		"((port = 1)); echo ${port} ${net}":                 "((port = 1)); echo ${port} 10.1",
		"for ((port=1; port<3; port++)); { echo ${port}; }": "for ((port=1; port<3; port++)); { echo ${port}; }",
		": ${net:=x}; echo ${net}":                          ": ${net:=x}; echo ${net}",
		"mapfile -t net <f; echo ${net}":                    "mapfile -t net <f; echo ${net}",
		"if true; then net=x; fi; echo ${net}":              "if true; then net=x; fi; echo ${net}",
		"x=$(net=1; echo ${net})":                           "x=$(net=1; echo ${net})",
		// A script that is no shell is read line by line.
		"echo ${net}\nnet=x\nfi":    "echo ${net}\nnet=x\nfi",
		"fi\necho ${net} ${port}\n": "fi\necho 10.1 8080\n",
	} {
		if got := ExpandScript(lab, script); got != want {
			t.Errorf("%q became %q, not %q", script, got, want)
		}
	}
}
