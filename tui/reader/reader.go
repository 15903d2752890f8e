// Package reader is the screen that shows a lesson: its text with figures and
// recorded output, questions that are answered on the spot, and the way on to
// the lab.
package reader

import (
	"context"
	"fmt"
	"slices"

	tea "charm.land/bubbletea/v2"

	"underlay/attempt"
	"underlay/course/lesson"
	"underlay/engine"
	"underlay/tui/edit"
	"underlay/tui/intent"
	"underlay/tui/layout"
	"underlay/tui/paint"
	"underlay/tui/prose"
	"underlay/tui/theme"
)

// Lab is what the reader says of the lab that goes with the lesson.
type Lab struct {
	ID, Title string
	Minutes   int
	Tasks     int
	Reason    string // why it cannot run here, "" if it can
	Remedy    string
	Solved    bool
}

// Config is what a reader needs.
type Config struct {
	Context     context.Context // ends what the reader has started
	Styles      *theme.Styles
	Lesson      *lesson.Lesson
	Module      string // title of its module
	Previous    *lesson.Info
	Next        *lesson.Info
	Lab         *Lab                 // nil if none goes with the lesson
	Predictions []*engine.Prediction // of the lesson's predict blocks, in their order
	Foretell    AskKernel            // asks the kernel about one
	Answered    map[string]bool      // quizzes and predictions answered rightly before
	Block       int                  // where reading was left
}

// Reader is a lesson on the screen.
type Reader struct {
	cfg         Config
	rects       layout.Rects
	draw        *prose.Renderer
	doc         prose.Document
	head        int // lines above the first block
	lines       []string
	offset      int
	start       int // block to show once the size is known, -1 afterwards
	questions   map[int]*prose.Question
	predictions map[int]*prose.Prediction
	current     int // block of the question that keys answer, -1 for none
	ended       bool
	cursorY     int // of a free answer, in lines of the document; -1 for none
	cursorX     int

	ctx    context.Context // of a lab that is asked about a prediction
	cancel context.CancelFunc
}

// New makes a reader.
func New(cfg Config) *Reader {
	r := &Reader{
		cfg: cfg, draw: prose.NewRenderer(cfg.Lesson), current: -1, start: cfg.Block, cursorY: -1,
		questions: map[int]*prose.Question{}, predictions: map[int]*prose.Prediction{},
	}
	r.ctx, r.cancel = context.WithCancel(cfg.Context)
	for i := range cfg.Lesson.Blocks {
		b := &cfg.Lesson.Blocks[i]
		switch {
		case b.Quiz != nil:
			r.questions[i] = &prose.Question{Quiz: b.Quiz, Number: len(r.questions) + 1, Before: cfg.Answered[b.Quiz.ID]}
		case b.Predict != nil:
			p := cfg.Predictions[len(r.predictions)]
			r.predictions[i] = &prose.Prediction{Prediction: p, Chosen: -1, Before: cfg.Answered[p.ID]}
		}
	}
	return r
}

// Lesson returns the lesson that is shown.
func (r *Reader) Lesson() *lesson.Lesson { return r.cfg.Lesson }

// Typing reports whether an answer is being typed, so that letters are text.
func (r *Reader) Typing() bool {
	q := r.questions[r.current]
	return q != nil && q.Input != nil
}

// Restyle changes the theme.
func (r *Reader) Restyle(st *theme.Styles) {
	r.cfg.Styles = st
	r.refresh()
}

// Layout gives the reader its place, keeping the same text at the top.
func (r *Reader) Layout(rects layout.Rects) tea.Cmd {
	if r.rects.Body == rects.Body && r.rects.Width == rects.Width {
		return nil
	}
	block := r.topBlock()
	if r.start >= 0 {
		block = r.start
	}
	r.rects = rects
	if rects.TooSmall {
		return nil
	}
	r.refresh()
	if block > 0 && block < len(r.doc.Blocks) {
		r.offset = r.head + r.doc.Blocks[block].First
	} else if r.start >= 0 {
		r.offset = 0
	}
	r.start = -1
	return r.settle()
}

// textWidth is the width of the lesson's lines.
func (r *Reader) textWidth() int { return max(20, min(80, r.rects.Body.W-4)) }

// refresh draws the lesson anew.
func (r *Reader) refresh() {
	st, w := r.cfg.Styles, r.textWidth()
	top := r.drawTop(st, w)
	r.head, r.cursorY = len(top), -1
	var typedBlock, typedLine int
	r.doc = r.draw.Draw(st, w, func(block int) []string {
		if p := r.predictions[block]; p != nil {
			p.Current = block == r.current
			return p.Draw(st, w)
		}
		q := r.questions[block]
		q.Current = block == r.current
		lines, y, x := q.Draw(st, w)
		if y >= 0 {
			r.cursorX, r.cursorY = x, 0
			typedBlock, typedLine = block, y
		}
		return lines
	})
	if r.cursorY >= 0 {
		r.cursorY = r.head + r.doc.Blocks[typedBlock].First + typedLine
	}
	r.lines = slices.Concat(top, r.doc.Lines, r.drawEnd(st, w))
	r.offset = paint.Clamp(r.offset, 0, r.maxOffset())
}

func (r *Reader) maxOffset() int { return max(0, len(r.lines)-r.rects.Body.H) }

// topBlock is the block at the top of the screen.
func (r *Reader) topBlock() int {
	for i, s := range r.doc.Blocks {
		if r.head+s.Last > r.offset {
			return i
		}
	}
	return 0
}

// settle is called when the position has changed: it chooses the question that
// keys answer, and remembers the position.
func (r *Reader) settle() tea.Cmd {
	r.offset = paint.Clamp(r.offset, 0, r.maxOffset())
	if next := r.pickQuestion(); next != r.current {
		r.current = next
		r.refresh()
	}
	done := r.offset >= r.maxOffset()
	r.ended = r.ended || done
	return intent.Record(attempt.ReadTo{Lesson: r.cfg.Lesson.ID, Block: r.topBlock(), Done: done})
}

// asks reports whether a block is a question.
func (r *Reader) asks(block int) bool {
	return r.questions[block] != nil || r.predictions[block] != nil
}

// unanswered reports whether the question of a block is still open.
func (r *Reader) unanswered(block int) bool {
	if p := r.predictions[block]; p != nil {
		return p.Chosen < 0 && !p.Before
	}
	q := r.questions[block]
	return !q.Marked && !q.Before
}

// visible reports whether a block's first lines are on the screen.
func (r *Reader) visible(block int) bool {
	s := r.doc.Blocks[block]
	return r.head+s.First < r.offset+r.rects.Body.H-1 && r.head+s.Last > r.offset+1
}

// pickQuestion keeps the current question while it is visible; else it is the
// first visible one that is not answered, or the first visible one.
func (r *Reader) pickQuestion() int {
	if r.current >= 0 && (r.visible(r.current) || r.Typing()) {
		return r.current
	}
	first := -1
	for i := range r.doc.Blocks {
		if !r.asks(i) || !r.visible(i) {
			continue
		}
		if r.unanswered(i) {
			return i
		}
		if first < 0 {
			first = i
		}
	}
	return first
}

// jumpQuestion goes to the next (1) or previous (-1) question.
func (r *Reader) jumpQuestion(dir int) tea.Cmd {
	var blocks []int
	for i := range r.doc.Blocks {
		if r.asks(i) {
			blocks = append(blocks, i)
		}
	}
	if len(blocks) == 0 {
		return nil
	}
	from := r.current
	if from < 0 {
		from = r.topBlock()
		if dir < 0 {
			from++
		}
	}
	at := -1
	for k := range blocks {
		if i := k; dir > 0 && blocks[i] > from {
			at = i
			break
		}
		if i := len(blocks) - 1 - k; dir < 0 && blocks[i] < from {
			at = i
			break
		}
	}
	if at < 0 {
		at = map[bool]int{true: 0, false: len(blocks) - 1}[dir > 0]
	}
	r.current = blocks[at]
	r.refresh()
	s := r.doc.Blocks[r.current]
	if !r.whole(s) {
		r.offset = r.head + s.First - 2
	}
	return r.settle()
}

func (r *Reader) whole(s prose.Span) bool {
	return r.head+s.First >= r.offset && r.head+s.Last <= r.offset+r.rects.Body.H
}

// answer chooses option i of the current question, or starts a free answer.
func (r *Reader) answer(i int) tea.Cmd {
	if r.predictions[r.current] != nil {
		return r.commit(i)
	}
	q := r.questions[r.current]
	if q == nil {
		return nil
	}
	if q.Quiz.Free() {
		if i == 0 {
			q.Input, q.Marked = &edit.Line{}, false
			q.Input.Set(q.Text)
		}
		r.refresh()
		return nil
	}
	if i >= len(q.Quiz.Options) {
		return intent.Do(intent.Note{Text: fmt.Sprintf("This question has %d answers to choose from.", len(q.Quiz.Options))})
	}
	if q.Marked {
		q.Marked, q.Chosen = false, nil
	}
	if !q.Quiz.Multiple() {
		q.Chosen = []int{i}
		return r.mark(q)
	}
	if at := slices.Index(q.Chosen, i); at >= 0 {
		q.Chosen = slices.Delete(q.Chosen, at, at+1)
	} else {
		q.Chosen = append(q.Chosen, i)
	}
	r.refresh()
	return nil
}

// mark marks the current answer and brings its explanation into view.
func (r *Reader) mark(q *prose.Question) tea.Cmd {
	q.Marked = true
	q.Right = q.Quiz.Mark(lesson.Answer{Chosen: q.Chosen, Text: q.Text})
	r.refresh()
	r.reveal()
	return tea.Batch(intent.Record(attempt.QuizMarked{Quiz: q.Quiz.ID, Right: q.Right}), r.settle())
}

// reveal brings as much of the current question into view as there is room for.
func (r *Reader) reveal() {
	s := r.doc.Blocks[r.current]
	if bottom := r.head + s.Last - r.rects.Body.H + 1; bottom > r.offset {
		r.offset = min(bottom, max(r.offset, r.head+s.First-1))
	}
}
