package autopsy

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"gotest.tools/v3/golden"

	"underlay/engine"
	"underlay/engine/internal/phrase"
)

// sample has all arguments. A message is shown with those that it uses.
var sample = args{
	Node: "host", Device: "eth0", Bridge: "docker0", In: "eth0", Out: "docker0", Peer: "eth0", PeerNode: "c1", PeerBridge: "br1",
	Packet: "packet", Bytes: 1500, Way: "from eth0 to docker0", Hook: "input", Chain: "iptables filter FORWARD", Rule: "-A FORWARD -d 172.17.0.3/32 -j DROP",
	Address: "10.2.0.2", Addresses: []string{"127.0.0.1", "::1"}, Source: "172.17.0.3", Prefix: "10.2.0.0/24", MAC: "02:42:ac:11:00:03", PeerMAC: "02:42:ac:11:00:04", VLAN: 20, Table: 100, Old: "172.17.0.9", Count: 3, Counter: "InCsumErrors",
	Answer: "ARP reply", Family: "IPv4", MTU: 1400, PeerMTU: 1500, VNI: 43, PacketVNI: 42, Proto: "tcp", Port: 80, PacketPort: 8472,
	Setting: "net.ipv4.ip_forward", Value: "0", State: "permanent", Kind: "blackhole", Priority: 50,
	Client: "c1", Server: "c2", Translator: "host", Name: "web.example", Nodes: []string{"c2", "c3"}, RuledOut: []string{"rules", "routes"}, Suspects: []string{"UdpInErrors +1"}, Command: "ip netns exec host nstat", Detail: "no answer in 2 s",
}

// TestMessages shows what all messages say.
func TestMessages(t *testing.T) {
	var got strings.Builder
	for _, code := range slices.Sorted(maps.Keys(messages)) {
		fmt.Fprintf(&got, "%-32s %s\n", code, render(code, sample))
	}
	golden.Assert(t, got.String(), "messages.txt")
}

// TestTemplates fills each template with arguments that nothing lacks: what is left of it
// unfilled is no argument.
func TestTemplates(t *testing.T) {
	for code, template := range messages {
		if absent := phrase.Absent(template, sample); len(absent) > 0 || strings.ContainsAny(render(code, sample), "{}") {
			t.Errorf("%s uses %q, which are no arguments: %s", code, absent, template)
		}
	}
}

// kinds are what codes begin with that are no verdict's.
var kinds = []string{"symptom", "packet", "way", "blind"}

func kindOf(code string) string {
	kind, _, _ := strings.Cut(code, ".")
	return kind
}

// TestSentences begins a sentence with each message that can begin one.
func TestSentences(t *testing.T) {
	// They stand behind a symptom.
	inner := []string{"nobody-has-address", "address-elsewhere", "link-down.holder"}
	for code, template := range messages {
		kind := kindOf(code)
		if slices.Contains(kinds, kind) && kind != "symptom" || slices.Contains(inner, code) || strings.HasPrefix(template, "{") {
			continue
		}
		v := say(code, spot{node: "host"}, sample)
		if s := v.Sentence(); !unicode.IsUpper(rune(s[0])) || !strings.HasSuffix(s, ".") {
			t.Errorf("%s: %q is no sentence; add what it begins with to the openers in engine", code, s)
		}
	}
}

// literal is a string of the package's sources.
type literal struct {
	text string
	at   token.Position
}

// sources reads the package: all string literals outside the catalogue, those that name a
// message to say, behind or render, and the values of the constants that are reasons.
func sources(t *testing.T) (all, said []literal, reasons []string) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	text := func(e ast.Expr) (literal, bool) {
		lit, ok := e.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			return literal{}, false
		}
		s, err := strconv.Unquote(lit.Value)
		if err != nil {
			t.Fatal(err)
		}
		return literal{text: s, at: fset.Position(lit.Pos())}, true
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || name == "messages.go" {
			continue
		}
		file, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BasicLit:
				if l, ok := text(n); ok {
					all = append(all, l)
				}
			case *ast.CallExpr:
				if f, ok := n.Fun.(*ast.Ident); ok && slices.Contains([]string{"say", "behind", "render"}, f.Name) {
					if l, ok := text(n.Args[0]); ok {
						said = append(said, l)
					}
				}
			case *ast.ValueSpec:
				if id, ok := n.Type.(*ast.Ident); ok && id.Name == "Reason" && len(n.Values) == 1 {
					if l, ok := text(n.Values[0]); ok {
						reasons = append(reasons, l.text)
					}
				}
			}
			return true
		})
	}
	return all, said, reasons
}

// TestCodes holds the catalogue against the package's sources: what it has is said, what is
// said it has, and each reason has a message.
func TestCodes(t *testing.T) {
	all, said, reasons := sources(t)
	if len(said) < 60 || len(reasons) < 40 {
		t.Fatalf("only %d messages are said, for %d reasons", len(said), len(reasons))
	}
	for _, l := range said {
		if messages[l.text] == "" {
			t.Errorf("%s: %q is no message", l.at, l.text)
		}
	}
	used := map[string]bool{}
	for _, l := range all {
		used[l.text] = true
	}
	for _, dir := range []Direction{Request, Reply, Error} {
		used["packet."+string(dir)] = true // see packetWord
	}
	told := map[string]bool{}
	for code := range messages {
		kind := kindOf(code)
		told[kind] = true
		if !used[code] {
			t.Errorf("nothing says %q", code)
		}
		if !slices.Contains(kinds, kind) && !slices.Contains(reasons, kind) {
			t.Errorf("%q begins with no reason", code)
		}
	}
	for _, r := range reasons {
		if !told[r] {
			t.Errorf("the reason %q has no message", r)
		}
	}
}

// TestFormattedInOnePlace: no verdict's text is made elsewhere than in messages.go.
func TestFormattedInOnePlace(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	formats := regexp.MustCompile(`\bText:|\.Text\s*\+?=[^=]`)
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || name == "messages.go" {
			continue
		}
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if m := formats.Find(b); m != nil {
			t.Errorf("%s makes a text: %s", name, m)
		}
	}
}

func TestBehind(t *testing.T) {
	v := say("nobody-has-address", spot{"h1", "neighbour 192.168.0.9 on eth0", Request}, args{Address: "192.168.0.9"})
	v = behind("symptom.tunnel-lost", args{Node: "h1", Device: "vx0"}, v)
	v = behind("symptom.no-carrier", args{Node: "p1", Device: "eth0"}, v)
	if v.Reason != ReasonNobodyHas || v.Code != "nobody-has-address" || v.Args.Node != "h1" || len(v.Symptoms) != 2 || v.Symptoms[0].Code != "symptom.no-carrier" {
		t.Errorf("%+v", v)
	}
	if want := render("symptom.no-carrier", args{Node: "p1", Device: "eth0"}) + ": " + render("symptom.tunnel-lost", args{Device: "vx0"}) + ": " + messages["nobody-has-address"]; v.Text != want {
		t.Errorf("%q is not %q", v.Text, want)
	}
	if v := behind("symptom.no-carrier", args{}, none); v.Text != "" || len(v.Symptoms) > 0 {
		t.Errorf("what is unknown led to something: %+v", v)
	}
}

// Lacking returns what is wrong with how a verdict was made: a message that is none, or
// arguments that its messages use and that it does not have.
func Lacking(v engine.Verdict) (wrong []string) {
	for _, m := range append(v.Symptoms, engine.Symptom{Code: v.Code, Args: v.Args}) {
		template := messages[m.Code]
		if template == "" {
			wrong = append(wrong, fmt.Sprintf("%q is no message", m.Code))
		}
		for _, name := range phrase.Absent(template, m.Args) {
			wrong = append(wrong, fmt.Sprintf("%s lacks %s", m.Code, name))
		}
	}
	if got := text(&v); got != v.Text {
		wrong = append(wrong, fmt.Sprintf("its text is %q, of its arguments comes %q", v.Text, got))
	}
	if strings.Contains(v.Text, "{") && !strings.Contains(v.Args.Rule, "{") {
		wrong = append(wrong, "a placeholder is left: "+v.Text)
	}
	if reason, _, _ := strings.Cut(v.Code, "."); reason != string(v.Reason) {
		wrong = append(wrong, fmt.Sprintf("its reason is %s, its code %s", v.Reason, v.Code))
	}
	return wrong
}
