package format

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// What a lab's files may be at most. The parser's time and stack grow with
// depth and tokens, so both are checked before it runs.
const (
	maxFileSize = 1 << 20
	maxTokens   = 100_000
	maxDepth    = 48
)

// readText reads a regular file as text: at most 1 MiB of UTF-8, with line
// ends made LF and a byte order mark dropped. The problem's file is shown.
func readText(fsys fs.FS, path, shown string) (string, *Problem) {
	fail := func(line, col int, format string, args ...any) (string, *Problem) {
		return "", &Problem{File: shown, Line: line, Col: col, What: fmt.Sprintf(format, args...)}
	}
	info, err := fs.Stat(fsys, path)
	if errors.Is(err, fs.ErrNotExist) {
		return fail(0, 0, "the file is missing")
	}
	if err != nil {
		return fail(0, 0, "cannot be read: %v", reason(err))
	}
	if !info.Mode().IsRegular() {
		return fail(0, 0, "must be a regular file, this is %s", fileKind(info.Mode()))
	}
	f, err := fsys.Open(path)
	if err != nil {
		return fail(0, 0, "cannot be read: %v", reason(err))
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return fail(0, 0, "cannot be read: %v", reason(err))
	}
	if len(data) > maxFileSize {
		return fail(0, 0, "is larger than 1 MiB, the most a lab's file may have")
	}
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return fail(0, 0, "is UTF-16; save it as UTF-8")
	}
	text := strings.TrimPrefix(string(data), "\ufeff")
	text = strings.ReplaceAll(text, "\r\n", "\n")
	if at, what := firstBadByte(text); at >= 0 {
		line, col := position(text, at)
		return fail(line, col, "%s", what)
	}
	return text, nil
}

// reason drops the path that a file system's error repeats.
func reason(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

func fileKind(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "a directory"
	case m&fs.ModeNamedPipe != 0:
		return "a named pipe"
	default:
		return "a special file"
	}
}

// firstBadByte finds the first byte that has no business in a text file, -1 if
// there is none, and says what is wrong with it.
func firstBadByte(text string) (int, string) {
	for i, r := range text {
		switch {
		case r == utf8.RuneError && strings.HasPrefix(text[i:], "\xef\xbf\xbd"):
			continue
		case r == utf8.RuneError:
			return i, fmt.Sprintf("byte 0x%02x is not UTF-8; save the file as UTF-8", text[i])
		case r == '\r':
			return i, "a carriage return without a newline; end lines with LF or CRLF"
		case r < ' ' && r != '\n' && r != '\t' || r == 0x7f:
			return i, fmt.Sprintf("control character 0x%02x; only text, tabs and newlines are allowed", r)
		}
	}
	return -1, ""
}

// position turns a byte offset into a line and a column in characters.
func position(text string, at int) (line, col int) {
	before := text[:at]
	return 1 + strings.Count(before, "\n"), 1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
}

// parseYAML parses one YAML document whose top is a map. It refuses what would
// cost too much, and what a lab file has no use for. needs is what a text with
// nothing in it is told.
func parseYAML(file, text, needs string) (*ast.MappingNode, *Problem) {
	f, problem := parseDocuments(file, text)
	if problem != nil {
		return nil, problem
	}
	return onlyMap(file, f, needs)
}

// parseDocuments parses YAML of any form.
func parseDocuments(file, text string) (f *ast.File, problem *Problem) {
	defer func() { // the parser is not ours: a panic of its is bad input to us
		if r := recover(); r != nil {
			f, problem = nil, &Problem{File: file, What: fmt.Sprintf("is not readable YAML (%v)", r)}
		}
	}()
	if line, col := leadingTab(text); line > 0 {
		return nil, &Problem{file, line, col, "a tab in the indentation; YAML is indented with spaces"}
	}
	tokens := lexer.Tokenize(text)
	if len(tokens) > maxTokens {
		return nil, &Problem{File: file, What: fmt.Sprintf("has more than %d YAML tokens; split the lab", maxTokens)}
	}
	if tk := tooDeep(tokens); tk != nil {
		return nil, &Problem{file, tk.Position.Line, tk.Position.Column, fmt.Sprintf("nested more than %d deep", maxDepth)}
	}
	f, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		line, col, what := syntaxError(err, text)
		return nil, &Problem{file, line, col, what}
	}
	return f, nil
}

// onlyMap returns the map that is the only document of a parsed file.
func onlyMap(file string, f *ast.File, needs string) (*ast.MappingNode, *Problem) {
	var bodies []ast.Node
	for _, d := range f.Docs {
		if _, directive := d.Body.(*ast.DirectiveNode); d.Body != nil && !directive {
			bodies = append(bodies, d.Body)
		}
	}
	if len(bodies) == 0 {
		return nil, &Problem{File: file, What: "is empty; " + needs}
	}
	if len(bodies) > 1 {
		at := start(bodies[1])
		return nil, &Problem{file, at.Line, at.Column, "a second YAML document; only one is allowed here"}
	}
	m, ok := bodies[0].(*ast.MappingNode)
	if !ok {
		at := start(bodies[0])
		return nil, &Problem{file, at.Line, at.Column, "must be a map of fields (id:, …), this is " + describe(bodies[0])}
	}
	return m, nil
}

// leadingTab returns where the first line that is indented with a tab has it,
// or 0, 0.
func leadingTab(text string) (line, col int) {
	n := 0
	for l := range strings.Lines(text) {
		n++
		indent := l[:len(l)-len(strings.TrimLeft(l, " \t"))]
		if i := strings.IndexByte(indent, '\t'); i >= 0 && strings.TrimSpace(l) != "" {
			return n, i + 1
		}
	}
	return 0, 0
}

// tooDeep returns the first token that is nested more than maxDepth deep, or
// nil. It counts brackets, and the columns at which blocks begin.
func tooDeep(tokens token.Tokens) *token.Token {
	flow, line := 0, 0
	var columns []int
	afterDash := false
	for _, tk := range tokens {
		switch tk.Type {
		case token.MappingStartType, token.SequenceStartType:
			flow++
		case token.MappingEndType, token.SequenceEndType:
			flow = max(0, flow-1)
		}
		dash := tk.Type == token.SequenceEntryType
		if flow == 0 && (dash || afterDash || tk.Position.Line != line) {
			for len(columns) > 0 && columns[len(columns)-1] > tk.Position.Column {
				columns = columns[:len(columns)-1]
			}
			if len(columns) == 0 || columns[len(columns)-1] < tk.Position.Column {
				columns = append(columns, tk.Position.Column)
			}
		}
		afterDash, line = dash, tk.Position.Line
		if flow+len(columns) > maxDepth {
			return tk
		}
	}
	return nil
}

// syntaxError takes the place and the words out of the parser's error, and
// adds what is usually behind it.
func syntaxError(err error, text string) (line, col int, what string) {
	what = err.Error()
	var ye yaml.Error
	if errors.As(err, &ye) {
		what = ye.GetMessage()
		if tk := ye.GetToken(); tk != nil && tk.Position != nil {
			line, col = tk.Position.Line, tk.Position.Column
		}
	}
	what = "not YAML: " + strings.ReplaceAll(what, "\n", " ")
	lines := strings.Split(text, "\n")
	if line < 1 || line > len(lines) {
		return line, col, what
	}
	switch l := lines[line-1]; {
	case strings.Contains(l, "${"):
		what += `; text with ${…} inside { } or [ ] must be in quotes`
	case strings.Contains(l, ": ") && strings.Count(l, ": ") > 1:
		what += `; text that contains ": " must be in quotes`
	}
	return line, col, what
}
