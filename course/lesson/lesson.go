package lesson

import "fmt"

// Module is a group of lessons, shown under one title.
type Module struct {
	ID      string // the folder's name
	Title   string
	Order   int // from 1; modules are sorted by it
	Summary string
	Lessons []*Info // in reading order
}

// Info is what a list says of a lesson. The lesson itself is read when it is opened.
type Info struct {
	ID         string
	Formerly   []string // ids that it had
	Number     int      // place within the module, from the file's name
	Title      string
	Module     string // id of its module
	Minutes    int    // what reading it takes, roughly
	Objectives []string
	Lab        string // id of the lab that goes with it; "" for none
	File       string // path below the folder it was loaded from
}

// Lesson is one Markdown file.
type Lesson struct {
	Info
	Covers []int   // numbers of the source items it teaches
	Blocks []Block // in reading order; never empty
	Wrongs []Wrong // what common notes say about the covered items
}

// Kind says which field of a Block is set.
type Kind string

// The kinds of block.
const (
	KindText    Kind = "text"
	KindQuiz    Kind = "quiz"
	KindPredict Kind = "predict"
	KindRun     Kind = "run"
	KindFigure  Kind = "figure"
)

// Block is one piece of a lesson. The field that its Kind names is set.
type Block struct {
	Kind    Kind
	Line    int    // line of the file it starts on, from 1
	Text    string // Markdown
	Quiz    *Quiz
	Predict *Predict
	Run     *Run
	Figure  *Figure
}

// Predict is a question that the lesson's lab answers. What it asks and what
// decides it is about a lab, of which this package knows nothing: the text is
// kept as it is written.
type Predict struct {
	Node   string // whose shell its lines are typed into
	Solved bool   // it is about the solved lab rather than about the lab as it is built
	Text   string // YAML; it begins on the line below the block's own
}

// Run shows commands and what they printed.
type Run struct {
	Node  string // whose shell they are typed into
	State string // state of the lab the output belongs to: "start", "solved", or "" for one on the way
	Steps []Step // never empty

	// What a reader is not shown: Before is typed before the first step, and
	// During while each step runs, for commands that watch or wait.
	Before, During []Typed
}

// Typed is a command that is typed into the shell of a node.
type Typed struct{ Node, Command string }

// Step is one command of a Run.
type Step struct {
	Command string // without the prompt
	Output  string // lines without a final newline; a line "…" stands for lines left out
}

// Wrong is a claim that notes on container networking commonly make.
type Wrong struct {
	Items   []int  // numbers of the source items
	Verdict string // right, imprecise, outdated, wrong or opinion
	Claim   string
	Truth   string
	Line    int
}

// Heading is an entry of a lesson's outline.
type Heading struct {
	Level int // 1 to 6
	Text  string
	Block int // index into the lesson's Blocks
	Line  int // line within that block's Text, from 0
}

// Outline returns the headings of the lesson in reading order.
func (l *Lesson) Outline() []Heading {
	var out []Heading
	for i := range l.Blocks {
		if l.Blocks[i].Kind != KindText {
			continue
		}
		for _, h := range headings(l.Blocks[i].Text) {
			h.Block = i
			out = append(out, h)
		}
	}
	return out
}

// Quizzes returns the lesson's quizzes in reading order.
func (l *Lesson) Quizzes() []*Quiz {
	var out []*Quiz
	for i := range l.Blocks {
		if q := l.Blocks[i].Quiz; q != nil {
			out = append(out, q)
		}
	}
	return out
}

// Error is what is wrong with a lesson or a module file.
type Error struct {
	File string
	Line int // from 1
	Col  int // from 1
	Msg  string
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Col, e.Msg)
}
