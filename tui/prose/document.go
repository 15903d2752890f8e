package prose

import (
	"strings"

	"underlay/course/lesson"
	"underlay/tui/theme"
)

// Span is the lines from First up to but not including Last.
type Span struct{ First, Last int }

// Entry is a line of the outline.
type Entry struct {
	Level int
	Text  string
	Line  int // of the document
}

// Document is a lesson drawn for one width.
type Document struct {
	Lines   []string
	Blocks  []Span // of each of the lesson's blocks
	Outline []Entry
}

// Renderer draws a lesson. It keeps what is slow to draw, the Markdown, until
// the width or the theme changes.
type Renderer struct {
	lesson *lesson.Lesson
	style  *theme.Styles
	width  int
	text   map[int][]string
}

// NewRenderer makes a renderer for a lesson.
func NewRenderer(l *lesson.Lesson) *Renderer { return &Renderer{lesson: l} }

// Draw draws the lesson at a width of w cells. question draws a block that is a
// quiz or a prediction; with nil a remark stands in their place.
func (r *Renderer) Draw(st *theme.Styles, w int, question func(block int) []string) Document {
	if r.style != st || r.width != w {
		r.style, r.width, r.text = st, w, map[int][]string{}
	}
	var d Document
	for i := range r.lesson.Blocks {
		lines := r.block(i, question)
		if len(lines) > 0 && len(d.Lines) > 0 {
			d.Lines = append(d.Lines, "")
		}
		first := len(d.Lines)
		d.Lines = append(d.Lines, lines...)
		d.Blocks = append(d.Blocks, Span{first, len(d.Lines)})
	}
	d.Outline = r.outline(&d)
	return d
}

func (r *Renderer) block(i int, question func(int) []string) []string {
	b := &r.lesson.Blocks[i]
	switch {
	case asks(b):
		if question == nil {
			return r.noQuestion(i)
		}
		return question(i)
	case b.Run != nil:
		return Run(r.style, b.Run, r.width)
	case b.Figure != nil:
		return Figure(r.style, b.Figure, r.width)
	}
	if r.text[i] == nil {
		src := b.Text
		if i == 0 {
			src = untitled(src, r.lesson.Title)
		}
		r.text[i] = Markdown(r.style, src, r.width)
	}
	return r.text[i]
}

// asks reports whether a block is a question to the learner.
func asks(b *lesson.Block) bool { return b.Quiz != nil || b.Predict != nil }

// noQuestion stands in for one or more questions where they cannot be answered.
func (r *Renderer) noQuestion(i int) []string {
	if i > 0 && asks(&r.lesson.Blocks[i-1]) {
		return nil
	}
	return Sentence(r.style, r.style.Muted, "The questions are in the lesson.", r.width)
}

// untitled is a lesson's beginning without a heading that only repeats the
// lesson's title, which the screen shows anyway.
func untitled(src, title string) string {
	first, rest, _ := strings.Cut(strings.TrimLeft(src, "\n"), "\n")
	if h, ok := strings.CutPrefix(first, "# "); ok && strings.TrimSpace(h) == title {
		return rest
	}
	return src
}

// outline finds the drawn line of each heading.
func (r *Renderer) outline(d *Document) []Entry {
	var out []Entry
	from := map[int]int{}
	for _, h := range r.lesson.Outline() {
		if h.Level == 1 && h.Text == r.lesson.Title {
			continue
		}
		span := d.Blocks[h.Block]
		text := plainHeading(r.style.Sym.Plain(h.Text))
		at := max(span.First, from[h.Block])
		for line := at; line < span.Last; line++ {
			if s := stripped(d.Lines[line]); s != "" && strings.HasPrefix(text, s) {
				at = line
				break
			}
		}
		from[h.Block] = at + 1
		out = append(out, Entry{h.Level, text, at})
	}
	return out
}

// plainHeading is a heading's text without its Markdown.
func plainHeading(s string) string {
	return strings.TrimSpace(strings.NewReplacer("`", "", "*", "", "_", "_").Replace(s))
}
