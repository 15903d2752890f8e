package format

import (
	"io/fs"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
)

// TestFlowsOverSeveralLines reads our labs with every list and map in brackets broken at
// its commas: they are as they were.
func TestFlowsOverSeveralLines(t *testing.T) {
	broken, breaks := fstest.MapFS{}, 0
	err := fs.WalkDir(os.DirFS("../../labs"), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(name, ".go") {
			return err
		}
		text, err := os.ReadFile("../../labs/" + name)
		if strings.HasSuffix(name, "/lab.yaml") {
			var n int
			text, n = brokenFlows(string(text))
			breaks += n
		}
		broken[name] = &fstest.MapFile{Data: text}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if breaks < 500 {
		t.Errorf("only %d breaks", breaks)
	}
	got, err := Load(broken, 0)
	if err != nil {
		t.Fatal(err)
	}
	want, err := Load(os.DirFS("../../labs"), 0)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(all(t, got), all(t, want)) {
		t.Error("the labs are not what they were")
	}
}

// brokenFlows breaks lines after the commas of flow lists and maps, with a comment now and
// then, and says how often.
func brokenFlows(text string) (out []byte, breaks int) {
	block := -1 // indentation of a block scalar's key, whose lines are text
	for line := range strings.Lines(text) {
		indent := len(line) - len(strings.TrimLeft(line, " "))
		if block >= 0 && (indent > block || strings.TrimSpace(line) == "") {
			out = append(out, line...)
			continue
		}
		if block = -1; strings.HasSuffix(strings.TrimSpace(line), ">-") {
			block = indent
		}
		depth, quote := 0, byte(0)
		for i := range len(line) {
			c := line[i]
			out = append(out, c)
			switch {
			case quote != 0:
				if c == quote {
					quote = 0
				}
			case depth == 0 && c == '#' && i > 0 && line[i-1] == ' ':
				depth = -1 << 20 // the rest is a comment
			case depth > 0 && (c == '"' || c == '\''):
				quote = c
			case (c == '[' || c == '{') && (depth > 0 || i > 0 && line[i-1] == ' '):
				depth++
			case (c == ']' || c == '}') && depth > 0:
				depth--
			case depth > 0 && c == ',' && line[i+1] == ' ':
				if breaks++; breaks%7 == 0 {
					out = append(out, "  # and then"...)
				}
				out = append(out, "\n"+strings.Repeat(" ", indent+3)...)
			}
		}
	}
	return out, breaks
}
