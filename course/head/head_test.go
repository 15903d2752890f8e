package head

import (
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"pgregory.net/rapid"
)

// pieces are what YAML is made of, and what could be taken for it. Tags and anchors are
// not among them: a tag's value may be in any line below, and what has one is refused when
// it is read.
var pieces = []string{
	"a", "B", "é", "→", "0", "7", "12", " ", "  ", "-", "- ", ": ", ":", "#", " #", ",", ", ", "[", "]", "{", "}", "'", `"`, `\`, "`",
	"*", "|", ">", "%", "@", "?", "~", "=", "$", "${x}", ".", "/", "_", "true", "no", "null", "word", "two words", "\t",
	"\n", "\n ", "\n  ", "\n  - ", "\n- ", "\nk: ", "\nl: ", "\n  k: ", "\n# ", "<<: ", "---", "...", "0x1", "1e3", ".inf", "1:30", "2001-01-01",
}

// shapes are what a value may look like, with what is drawn in the place of X.
var shapes = []string{"X", " X", ` "X"`, " 'X'", " [X]", " [X, X]", "\n  - X\n  - X", "\n  X: X", " X # X", "\n  # X\n  - X", "\n  - k: X\n    l: X\n  - k: X",
	"\n  - k: X\n    l: [a, B]\n  - k: a", "\n  - k: a\n    l: [a]X\n  - l: [B] # X\n\n    # X\n    k: X", "\n  -  l: [X, a]\nX     k: b\n  - k: X"}

// anyValue draws what follows the colon of a key.
func anyValue(t *rapid.T) string {
	out := rapid.SampledFrom(shapes).Draw(t, "shape")
	for strings.Contains(out, "X") {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 4).Draw(t, "text"), "")
		out = strings.Replace(out, "X", text, 1)
	}
	return out
}

// parsed is a map as the YAML parser has it; nil if it is none.
func parsed(t *rapid.T, text string) (out map[string]any) {
	defer func() {
		if recover() != nil { // the parser is not ours
			t.Skip()
		}
	}()
	if err := yaml.Unmarshal([]byte(text), &out); err != nil {
		return nil
	}
	return out
}

func TestMain(m *testing.M) {
	flag.Parse()
	if checks := flag.Lookup("rapid.checks"); checks.Value.String() == checks.DefValue {
		_ = flag.Set("rapid.checks", "5000") // they take no time; the flag is there
	}
	os.Exit(m.Run())
}

// Whatever a map looks like: a value that is understood is what the parser says it is.
func TestWhatIsUnderstoodIsWhatAParserReads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := "k:" + anyValue(t) + "\n"
		fields, ok := Split(text)
		if !ok {
			return
		}
		want := parsed(t, text)
		if want == nil {
			t.Skip() // what no parser reads is refused when it is read
		}
		if len(fields) != len(want) {
			t.Skip() // a text in quotes goes on at the margin: that is no YAML, but this parser takes it
		}
		for key, field := range fields {
			compare := func(kind string, got any, ok bool, want any) {
				if ok && !reflect.DeepEqual(got, want) {
					t.Fatalf("%q: %s is the %s %#v, want %#v", text, key, kind, got, want)
				}
			}
			s, ok := field.Text()
			compare("text", s, ok, want[key])
			n, ok := field.Number()
			compare("number", uint64(n), ok, want[key])
			words, ok := field.Words()
			compare("words", anys(words), ok, want[key])
			texts, ok := field.Texts()
			compare("texts", anys(texts), ok, want[key])
			if ks, ok := field.Each("k"); ok {
				var wanted []any
				list, _ := want[key].([]any)
				for _, item := range list {
					if m, ok := item.(map[string]any); ok {
						wanted = append(wanted, m["k"])
					}
				}
				compare("list of maps", anys(ks), true, wanted)
			}
			if ls, ok := field.EachWords("l"); ok && ls != nil {
				list, _ := want[key].([]any)
				compare("count of maps", len(ls), true, len(list))
				for i, words := range ls {
					m, _ := list[i].(map[string]any)
					wanted, _ := m["l"].([]any)
					compare("words of a map", anys(words), true, append([]any{}, wanted...))
				}
			}
			if inner, ok := field.Inner(); ok && len(inner) > 0 {
				below, _ := want[key].(map[string]any)
				compare("count of fields", len(inner), true, len(below))
			}
		}
	})
}

func anys(words []string) []any {
	out := make([]any, len(words))
	for i, w := range words {
		out[i] = w
	}
	return out
}
