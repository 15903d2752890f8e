package plain

import (
	"regexp"
	"strings"
	"sync"

	"github.com/charmbracelet/x/ansi"
)

// wrap breaks text into lines of at most width columns, between words. Line
// breaks in the text are kept, and a word that is longer stays whole.
func wrap(text string, width int) []string {
	var out []string
	for _, para := range strings.Split(text, "\n") {
		line, used := "", 0
		for _, word := range strings.Fields(para) {
			n := ansi.StringWidth(word)
			switch {
			case line == "":
				line, used = word, n
			case used+1+n > width:
				out = append(out, line)
				line, used = word, n
			default:
				line, used = line+" "+word, used+1+n
			}
		}
		out = append(out, line)
	}
	return out
}

var (
	strongRE = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\*\*(\S(?:[^*]*\S)?)\*\*`) })
	emphRE   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\*(\S(?:[^*]*\S)?)\*`) })
	linkRE   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\[([^\]]+)\]\(([^)\s]+)\)`) })
)

// sentence takes Markdown's marks out of a text, but for the quotes around what
// is to be typed, and leaves what is between those quotes alone.
func sentence(text string) string {
	parts := strings.Split(strings.TrimSpace(text), "`")
	if len(parts)%2 == 0 { // a quote without an end
		return text
	}
	// Emphasis may begin before a quoted piece and end after it, so the pieces are
	// taken out and put back.
	var held []string
	var b strings.Builder
	for i, p := range parts {
		if i%2 == 1 {
			held = append(held, "`"+p+"`")
			p = "\x00"
		}
		b.WriteString(p)
	}
	s := linkRE().ReplaceAllString(b.String(), "$1 ($2)")
	s = strongRE().ReplaceAllString(s, "$1")
	s = emphRE().ReplaceAllString(s, "$1")
	for _, h := range held {
		s = strings.Replace(s, "\x00", h, 1)
	}
	return s
}

var (
	headRE  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^ {0,3}#{1,6}\s+(.*?)\s*#*$`) })
	itemRE  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(\s*)([-*+]|\d+[.)])\s+(.*)$`) })
	fenceRE = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile("^ {0,3}(```+|~~~+)") })
	ruleRE  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\s*\|?[\s:|-]*-[\s:|-]*\|?\s*$`) })
)

// section is a heading and what follows it; the first may have no heading.
type section struct {
	heading string
	lines   []string
}

// sections renders a lesson's Markdown: paragraphs and lists wrapped, code
// indented, each row of a table as a sentence.
func sections(src string, width int) []section {
	r := renderer{width: width, out: []section{{}}}
	lines := strings.Split(src, "\n")
	for i := 0; i < len(lines); i++ {
		l := lines[i]
		switch {
		case fenceRE().MatchString(l):
			i = r.code(lines, i)
		case headRE().MatchString(l):
			r.flush()
			r.out = append(r.out, section{heading: sentence(headRE().FindStringSubmatch(l)[1])})
		case strings.HasPrefix(strings.TrimSpace(l), "|"):
			i = r.table(lines, i)
		case itemRE().MatchString(l):
			r.flush()
			m := itemRE().FindStringSubmatch(l)
			r.head, r.para = m[1]+m[2]+" ", []string{m[3]}
		case strings.TrimSpace(l) == "":
			r.flush()
			r.gap()
		default:
			r.para = append(r.para, strings.TrimPrefix(strings.TrimSpace(l), "> "))
		}
	}
	r.flush()
	return r.out
}

type renderer struct {
	width int
	out   []section
	head  string   // of the list item that is being collected
	para  []string // lines of the paragraph that is being collected
}

func (r *renderer) add(lines ...string) {
	s := &r.out[len(r.out)-1]
	s.lines = append(s.lines, lines...)
}

// gap adds one empty line between two pieces.
func (r *renderer) gap() {
	if n := r.out[len(r.out)-1].lines; len(n) > 0 && n[len(n)-1] != "" {
		r.add("")
	}
}

// flush ends the paragraph or list item that is being collected.
func (r *renderer) flush() {
	if len(r.para) > 0 {
		r.hang(r.head, strings.Join(r.para, " "))
	}
	r.head, r.para = "", nil
}

// hang adds a wrapped sentence whose further lines are indented under the first.
func (r *renderer) hang(head, text string) {
	pad := strings.Repeat(" ", len(head))
	for i, l := range wrap(sentence(text), r.width-len(head)) {
		if i > 0 {
			head = pad
		}
		r.add(head + l)
	}
}

// code adds a fenced block and returns the index of its last line.
func (r *renderer) code(lines []string, i int) int {
	r.flush()
	r.gap()
	fence := fenceRE().FindStringSubmatch(lines[i])[1]
	for i++; i < len(lines); i++ {
		if t := strings.TrimSpace(lines[i]); strings.HasPrefix(t, fence) && strings.Trim(t, fence[:1]) == "" {
			break
		}
		r.add("    " + lines[i])
	}
	return i
}

// table adds a table, "HEADER: cell; HEADER: cell" for each row, and returns the
// index of its last line.
func (r *renderer) table(lines []string, i int) int {
	r.flush()
	r.gap()
	header := cells(lines[i])
	for ; i+1 < len(lines) && strings.HasPrefix(strings.TrimSpace(lines[i+1]), "|"); i++ {
		if ruleRE().MatchString(lines[i+1]) {
			continue
		}
		var said []string
		for n, c := range cells(lines[i+1]) {
			if n < len(header) && header[n] != "" {
				c = header[n] + ": " + c
			}
			said = append(said, c)
		}
		r.hang("- ", strings.Join(said, "; "))
	}
	return i
}

// cells splits a row of a table; a bar after a backslash belongs to its cell.
func cells(row string) []string {
	row = strings.ReplaceAll(strings.TrimSpace(row), `\|`, "\x00")
	parts := strings.Split(strings.Trim(row, "|"), "|")
	for i, p := range parts {
		parts[i] = strings.ReplaceAll(strings.TrimSpace(p), "\x00", "|")
	}
	return parts
}
