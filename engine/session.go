package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// State is the outcome of a check or a task.
type State string

// The outcomes. Broken means that the program could not find out; it is never
// held against the learner.
const (
	Pass   State = "pass"
	Fail   State = "fail"
	Broken State = "broken"
)

// TaskResult is a task as it stands.
type TaskResult struct {
	ID   string
	Goal string
	Result
	Waiting       bool   // it comes after a task that is not done, and was not looked at
	Misconception string // id of the recognised wrong idea, "" if none
	Says          string // that misconception's words
	Since         time.Time

	// Flow is the traffic that did not end as the task wants; without a
	// protocol if it is not traffic that the task fails for.
	Flow Flow
	// Ended is how that traffic ended; "" where its end is not what the task
	// fails for.
	Ended Expect
	// Sent says that it took packets to find out that it fails.
	Sent bool
	// Authored says that Why is in the words of the lab's author and says it all.
	Authored bool
	// Verdict is what became of the traffic, with an empty Text while it is not
	// known, and until the learner has tried something or asks (see Tracer). It comes after the result, and the result's Why goes on with it
	// unless that is Authored.
	Verdict Verdict
}

// Status is the whole lab as it stands.
type Status struct {
	Tasks      []TaskResult
	Collateral []TaskResult
	Health     []string // what has happened to the world itself, in sentences; empty when well
	Solved     bool
	Checking   bool     // an evaluation is under way
	Testing    bool     // packets of the program's own are, or may be, under way (see TestPort)
	Captures   []string // nodes in which a capture of the learner's is open
	Evaluation int      // counts evaluations, so that a caller can see that one came later
}

// Done returns how many tasks pass.
func (s *Status) Done() int {
	n := 0
	for i := range s.Tasks {
		if s.Tasks[i].State == Pass {
			n++
		}
	}
	return n
}

// Size is a terminal's size in cells.
type Size struct{ Cols, Rows int }

// Terminal is a shell on a pty in one node. Read returns the program's output,
// Write is the keyboard. Read fails with io.EOF when the shell has ended.
type Terminal interface {
	io.ReadWriteCloser
	Resize(Size) error
	Node() string
}

// Checkpoint is a state of the lab that can be gone back to: how it was at the
// start, or when tasks had just been solved.
type Checkpoint struct {
	ID    int      // 0 is the start; later ones have higher numbers
	Label string   // "the start", or the goals that had just been reached
	Tasks []string // ids of the tasks that were done then, in the lab's order
	At    time.Time
}

// Change is one difference between two states of the lab.
type Change struct {
	Node string
	// What is its kind: link, address, route, rule, neighbour, fdb, setting,
	// firewall, server or node.
	What string
	// Before and After are what it was and what it is, in the words of the tool
	// that shows it; "" where it was not there, or is gone.
	Before, After string
}

// Restored is how a lab was led back to a checkpoint.
type Restored struct {
	// Rebuilt says that the world was built anew, so that shells have ended.
	Rebuilt bool
	// Why says in sentences what forced that, and what could not be put back.
	Why []string
	// Changes is how many differences there were.
	Changes int
}

// History is where a lab has been. All methods may be called from any goroutine.
type History interface {
	// Checkpoints are all there are, oldest first. The first one is there once
	// the lab is open. Where one is being taken for tasks just solved, it waits
	// for that.
	Checkpoints() []Checkpoint

	// Diff says what has changed since a checkpoint, node by node. An unknown
	// checkpoint is an error that wraps ErrNotFound.
	Diff(ctx context.Context, id int) ([]Change, error)

	// Restore leads the lab back to a checkpoint and forgets the later ones.
	// Shells go on, unless the world had to be built anew.
	Restore(ctx context.Context, id int) (Restored, error)
}

// Session is a lab that runs. It does not know whether a screen, a script or a
// test drives it. All methods may be called from any goroutine.
type Session interface {
	Lab() *Lab

	// Status returns the newest evaluation.
	Status() Status

	// Changed is signalled after each new Status. Signals coalesce: after one,
	// read Status; nothing is lost because Status is always whole.
	Changed() <-chan struct{}

	// Poke says that something may have changed that sends no kernel event,
	// for example that a command has ended. It never blocks.
	Poke()

	// Settle evaluates until the kernel is quiet and two evaluations agree, and returns
	// the last one. Where they go on to differ the error wraps ErrRestless.
	Settle(context.Context) (Status, error)

	// Rest waits until what has changed so far is judged and returns the newest
	// evaluation. Where nothing has changed it starts none, and sends nothing.
	Rest(context.Context) (Status, error)

	// Answer gives the learner's answer to a task that asks for one.
	Answer(task, text string)

	// Shell opens a shell in a node.
	Shell(ctx context.Context, node string, size Size) (Terminal, error)

	// History is where the lab has been since it was opened or reset.
	History() History

	// Viewer says what the lab's nodes hold now.
	Viewer

	// Tracer follows a packet through the lab.
	Tracer

	// Reset throws the world away and builds it anew. Shells end.
	Reset(context.Context) error

	// Close ends the lab and everything in it.
	Close() error
}

// Opener starts labs. progress, which may be nil, is told of each step.
type Opener interface {
	Open(ctx context.Context, lab *Lab, progress func(step string)) (Session, error)
}

// Available says whether what a lab requires is here: reason is empty when it is, else
// says what is missing and remedy what to do about it, each in one sentence.
type Available func(requires []string) (reason, remedy string)

// Once returns what asks only once where several labs require the same. It is for one
// list of labs, because what is missing may be mended, and for one goroutine.
func (a Available) Once() Available {
	type answer struct{ reason, remedy string }
	known := map[string]answer{}
	return func(requires []string) (reason, remedy string) {
		key := strings.Join(requires, " ")
		got, asked := known[key]
		if !asked {
			got.reason, got.remedy = a(requires)
			known[key] = got
		}
		return got.reason, got.remedy
	}
}

// Error is an error with something the reader can do about it.
type Error struct {
	Err  error
	Hint string
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Hintf wraps an error with a hint.
func Hintf(err error, format string, args ...any) error {
	return &Error{Err: err, Hint: fmt.Sprintf(format, args...)}
}

// ScriptError is a line or a script of a lab that failed while the lab was being built: a
// mistake of its author's.
type ScriptError struct {
	What    string // "line 2 of the setup of host, “ip link add x”", "solve in c1"
	Code    int    // exit code
	Printed string // both streams
}

func (e *ScriptError) Error() string {
	return fmt.Sprintf("%s ended with %d: %s", e.What, e.Code, strings.TrimSpace(e.Printed))
}

// Sentinel errors, which decide exit codes and what is said.
var (
	// ErrCannotRun means that this machine lacks something; the wrapped text says what.
	ErrCannotRun = errors.New("cannot run here")
	// ErrNotFound means that there is no lab, lesson or node of that name.
	ErrNotFound = errors.New("not found")
	// ErrRestless means that a lab was judged again and again, and differently each time.
	ErrRestless = errors.New("something in the lab keeps changing")
)
