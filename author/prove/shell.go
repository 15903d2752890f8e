package prove

import (
	"regexp"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"underlay/engine"
)

// source is a script as the shell reads it.
type source struct {
	text     string
	commands []command
	stray    []mark // marks that belong to no command
}

// command is one command at the top level of a script, which may be a loop or
// have a here-document.
type command struct {
	text     string   // as the author wrote it, without what is in its here-documents
	spans    [][2]int // where it is in the script: itself, and its here-documents
	from, to int      // the lines of its beginning and its end
	optional *mark
}

// mark is a comment that says that a command can be left out.
type mark struct {
	line   int
	alone  bool // nothing else is on its line
	reason string
}

var optional = regexp.MustCompile(`(?i)^\s*optional\s*(?::(.*))?$`)

// parse reads a script. The error says what is not shell, and where.
func parse(script string) (*source, error) {
	file, err := syntax.NewParser(syntax.KeepComments(true), syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(script), "")
	if err != nil {
		return nil, err
	}
	src := &source{text: script}
	for _, stmt := range file.Stmts {
		src.commands = append(src.commands, commandOf(script, stmt))
	}
	var lonely []int // lines that hold nothing but a comment
	var marks []mark
	syntax.Walk(file, func(n syntax.Node) bool {
		if c, ok := n.(*syntax.Comment); ok {
			line, at := int(c.Hash.Line()), int(c.Hash.Offset())
			begin := strings.LastIndexByte(script[:at], '\n') + 1
			alone := strings.TrimSpace(script[begin:at]) == ""
			if alone {
				lonely = append(lonely, line)
			}
			if m := optional.FindStringSubmatch(c.Text); m != nil {
				marks = append(marks, mark{line, alone, strings.TrimSpace(m[1])})
			}
		}
		return true
	})
	for _, m := range marks {
		if !src.attach(m, lonely) {
			src.stray = append(src.stray, m)
		}
	}
	return src, nil
}

// attach gives a mark to the commands that it speaks of: those that begin or end
// on its line, or the one below if it stands alone.
func (src *source) attach(m mark, lonely []int) bool {
	line, attached := m.line, false
	for m.alone && slices.Contains(lonely, line) {
		line++
	}
	for i := range src.commands {
		c := &src.commands[i]
		if c.from == line || !m.alone && c.to == line {
			c.optional, attached = &m, true
		}
	}
	return attached
}

func commandOf(script string, stmt *syntax.Stmt) command {
	from, to := int(stmt.Pos().Offset()), int(stmt.End().Offset())
	c := command{
		text: script[from:to], spans: [][2]int{{from, to}},
		from: int(stmt.Pos().Line()), to: int(stmt.End().Line()),
	}
	syntax.Walk(stmt, func(n syntax.Node) bool {
		r, ok := n.(*syntax.Redirect)
		if !ok || r.Op != syntax.Hdoc && r.Op != syntax.DashHdoc {
			return true
		}
		if span := hereDocument(script, r); span[0] >= to {
			c.spans = append(c.spans, span)
		}
		return true
	})
	return c
}

// hereDocument returns where the lines of a here-document are, its last one
// included, which the parser does not give.
func hereDocument(script string, r *syntax.Redirect) [2]int {
	begin := len(script)
	if i := strings.IndexByte(script[r.Word.End().Offset():], '\n'); i >= 0 {
		begin = int(r.Word.End().Offset()) + i + 1
	}
	if r.Hdoc != nil && len(r.Hdoc.Parts) > 0 { // another one may come before it
		begin = int(r.Hdoc.Pos().Offset())
	}
	end := begin
	for line := range strings.Lines(script[begin:]) {
		end += len(line)
		line = strings.TrimSuffix(line, "\n")
		if r.Op == syntax.DashHdoc {
			line = strings.TrimLeft(line, "\t")
		}
		if line == delimiter(r.Word) {
			break
		}
	}
	return [2]int{begin, end}
}

// delimiter is the word that ends a here-document, without its quotes.
func delimiter(w *syntax.Word) string {
	var b strings.Builder
	for _, part := range w.Parts {
		switch p := part.(type) {
		case *syntax.Lit:
			b.WriteString(strings.ReplaceAll(p.Value, `\`, ""))
		case *syntax.SglQuoted:
			b.WriteString(p.Value)
		case *syntax.DblQuoted:
			b.WriteString(delimiter(&syntax.Word{Parts: p.Parts}))
		}
	}
	return b.String()
}

// without returns the script without its i-th command.
func (src *source) without(i int) string {
	spans := slices.Clone(src.commands[i].spans)
	slices.SortFunc(spans, func(a, b [2]int) int { return b[0] - a[0] })
	text, end := src.text, len(src.text)
	for _, s := range spans {
		text = text[:s[0]] + text[min(s[1], end):]
		end = s[0]
	}
	return text
}

// readable demands that a script is shell.
func readable(s engine.Script) Finding {
	var f Finding
	if _, err := parse(s.Text); err != nil {
		f.wrongf("%s.sh is not valid shell: %v", s.Name, err)
	}
	return f
}
