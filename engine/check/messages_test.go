package check

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gotest.tools/v3/golden"

	"underlay/engine"
	"underlay/engine/internal/phrase"
)

// sameWords compares results but for their code and its arguments.
func sameWords(a, b engine.Result) bool {
	return a.State == b.State && a.Got == b.Got && a.Want == b.Want && a.Why == b.Why
}

// wellSaid demands that a result has a code with words, and all arguments that these need.
func wellSaid(t *testing.T, res engine.TaskResult) {
	t.Helper()
	m, ok := messages[res.Code]
	if !ok {
		t.Errorf("%s %q has the code %q, which has no message", res.State, res.Got, res.Code)
	}
	needed := []string{m.Got}
	if res.State != engine.Pass {
		needed = append(needed, m.Why)
	}
	for _, template := range needed {
		if absent := phrase.Absent(template, res.Args); len(absent) > 0 {
			t.Errorf("%s: %q has no %v in %+v", res.Code, template, absent, res.Args)
		}
	}
	if said := res.Got + res.Why; strings.ContainsAny(said, "{}[") && !strings.ContainsAny(fmt.Sprint(res.Args), "{}[") {
		t.Errorf("%s: %q has a placeholder left", res.Code, said)
	}
	if res.State == engine.Broken && (res.Got != "" || res.Why == "") {
		t.Errorf("%s is broken, but says %q and %q", res.Code, res.Got, res.Why)
	}
}

// TestCodes: every code that a verdict is made with has a message, and every message is
// of such a code.
func TestCodes(t *testing.T) {
	makers := map[string]int{"pass": 0, "fail": 0, "broken": 0, "passIf": 1, "render": 1, "wrongLink": 0, "erred": 2}
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]bool{}
	for _, f := range files {
		if name := f.Name(); !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || name == "messages.go" {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BasicLit:
				said[unquoted(n)] = true
			case *ast.CallExpr:
				name, ok := n.Fun.(*ast.Ident)
				if !ok {
					break
				}
				if i, ok := makers[name.Name]; ok {
					if code, ok := n.Args[i].(*ast.BasicLit); ok && messages[unquoted(code)] == (message{}) {
						t.Errorf("%s: %s has no message", f.Name(), code.Value)
					}
				}
			}
			return true
		})
	}
	for code := range messages {
		if !said[code] {
			t.Errorf("no verdict has the code %s", code)
		}
	}
}

func unquoted(lit *ast.BasicLit) string {
	s, err := strconv.Unquote(lit.Value)
	if err != nil {
		return ""
	}
	return s
}

// sample has every argument.
var sample = args{
	Attempt: "c1 → 10.0.0.2:80", Node: "host", Device: "veth1", Bridge: "docker0", Other: "c1", Peer: "eth0", At: "eth0 in c1",
	Kind: "veth", Name: "web", Field: "spec.type", Hook: "forward", Address: "10.0.0.2", Gateway: "10.0.0.1",
	Port: 80, Status: 404, Value: "1", Count: 24, Wanted: 16, Tries: 60, Found: []string{"web1 50", "web2 10"}, Missing: []string{"eth0", "eth1"},
	Wait: "600 ms", Held: "2 s", Lapse: "1.5 s", Detail: "EPERM", Note: "the network is down",
}

// samples change the sample for codes that begin so.
var samples = map[string]func(a *args){
	"addr":    func(a *args) { a.Kind, a.Found, a.At = "IPv4", []string{"10.0.0.2/24"}, "lo" },
	"answer":  func(a *args) { a.Value = "veth2" },
	"capture": func(a *args) { a.Value = "10.0.0.1 > 10.0.0.2 icmp echo" },
	"choice": func(a *args) {
		a.Value, a.Detail, a.Note = "Nothing listens", "nothing listens on TCP port 80", "connected"
	},
	"conntrack": func(a *args) { a.Value = "a TCP flow to 10.0.0.2:80" },
	"dns": func(a *args) {
		a.Value, a.Found, a.Detail = "NOERROR", []string{"10.0.0.2"}, "no answer from 10.0.0.1 in 600 ms"
	},
	"fdb": func(a *args) { a.Value, a.Found = "02:42:ac:11:00:02", []string{"MAC 02:42:ac:11:00:02 on veth1"} },
	"firewall": func(a *args) {
		a.Kind, a.Found, a.Value, a.Name = "drop", []string{"a drop rule at input"}, "accept", "WEB"
	},
	"link":      func(a *args) { a.Value, a.Found, a.Count = "up", []string{"lo", "eth0"}, 1450 },
	"neigh":     func(a *args) { a.Found = []string{"10.0.0.2 on eth0 is stale 02:42:ac:11:00:02"} },
	"netns":     func(a *args) { a.Found = []string{"eth2"} },
	"no-":       func(a *args) { a.Found = []string{"lo", "eth0"} },
	"object":    func(a *args) { a.Kind, a.Value, a.Found = "service", "NodePort", []string{"spec.type is NodePort"} },
	"object.no": func(a *args) { a.Value = "service web" },
	"resolve": func(a *args) {
		a.Value, a.Found, a.Tries, a.Detail = "10.0.0.2", []string{"10.0.0.2"}, 2, "could not resolve web: NXDOMAIN from 10.0.0.1"
	},
	"resolve.queries": func(a *args) {
		a.Tries, a.Found = 4, []string{"web.lab A+AAAA → NXDOMAIN", "web A+AAAA → NOERROR"}
	},
	"route":      func(a *args) { a.Kind, a.Value = "IPv4", "10.0.0.0/24" },
	"rule":       func(a *args) { a.Value, a.Found = "(mark 0x1, table 100)", []string{"(mark 0x1, table 100)"} },
	"socket":     func(a *args) { a.Found = []string{"127.0.0.1:80"} },
	"sysctl":     func(a *args) { a.Name = "net.ipv4.ip_forward" },
	"traffic":    func(a *args) { a.Value = "hello" },
	"unreadable": func(a *args) { a.Name = "routes" },
}

func sampleOf(code string) args {
	a := sample
	for _, prefix := range slices.Sorted(maps.Keys(samples)) {
		if strings.HasPrefix(code, prefix) {
			samples[prefix](&a)
		}
	}
	return a
}

// least is a sample without what a template can do without.
func least(template string, a args) args {
	v, names := reflect.ValueOf(&a).Elem(), phrase.Needed(template)
	for i := range v.NumField() {
		if name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ","); !slices.Contains(names, name) {
			v.Field(i).SetZero()
		}
	}
	return a
}

// TestMessages renders all messages, with all arguments and with those only that they need,
// as testdata/messages.txt has them.
func TestMessages(t *testing.T) {
	var b strings.Builder
	for _, code := range slices.Sorted(maps.Keys(messages)) {
		m, a := messages[code], sampleOf(code)
		fmt.Fprintf(&b, "%s\n", code)
		for _, part := range []struct{ name, template string }{{"got", m.Got}, {"why", m.Why}} {
			if part.template == "" {
				continue
			}
			if absent := phrase.Absent(part.template, a); len(absent) > 0 {
				t.Errorf("%s: results have no %v", code, absent)
			}
			full := phrase.Render(part.template, a)
			fmt.Fprintf(&b, "\t%s  %s\n", part.name, full)
			if bare := phrase.Render(part.template, least(part.template, a)); bare != full {
				fmt.Fprintf(&b, "\t%s  %s\n", part.name, cmp.Or(bare, "(nothing)"))
			}
		}
	}
	golden.Assert(t, b.String(), "messages.txt")
}
