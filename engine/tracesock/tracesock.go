// Package tracesock carries flows from a lab's shell to the program that runs the
// lab, and autopsies back. Nothing else can be asked over it.
//
// A connection is one question: a line of JSON from the client, then a line of
// JSON from the server. A client that sends more, or closes, takes its question
// back. Both lines are bounded, and so is the time that a client may take for
// its own.
//
// The package knows no sandbox and no session: it gets a listener, and a
// function that answers.
package tracesock

import (
	"errors"
	"fmt"
	"time"

	"underlay/engine"
)

// version is of the two lines. A server answers only questions of its own.
const version = 1

// Limits of what may be asked.
const (
	// MaxWait is how long silence may be listened to. Meanwhile the lab is not judged.
	MaxWait = 5 * time.Second
)

// Limits of the lines, in bytes with the newline. A flow takes some hundred, an
// autopsy of a dozen nodes some ten thousand.
const (
	maxQuestion = 4 << 10
	maxAnswer   = 4 << 20
)

// question is the client's line.
type question struct {
	Version int    `json:"version"`
	From    string `json:"from,omitempty"` // node; "" is the one that the client is in
	Target  string `json:"target"`         // as engine.ParseFlow takes it
	Size    int    `json:"size,omitempty"`
	SPort   int    `json:"sport,omitempty"`
	WaitMS  int64  `json:"wait_ms,omitempty"`
}

// flow is what is asked about, or why that makes no sense.
func (q question) flow() (engine.Flow, error) {
	if q.Version != version {
		return engine.Flow{}, engine.Hintf(fmt.Errorf("this lab speaks version %d of the trace protocol, not %d", version, q.Version),
			"use the `underlay` on the path of the lab's shell")
	}
	f, err := engine.ParseFlow(q.From, q.Target)
	if err != nil {
		return f, err
	}
	f.Size, f.SPort, f.Wait = q.Size, q.SPort, time.Duration(min(q.WaitMS, MaxWait.Milliseconds()+1))*time.Millisecond
	return f, Check(f)
}

// Check refuses flows that are larger or take longer than one may ask for.
func Check(f engine.Flow) error {
	switch {
	case f.Size < 0 || f.Size > engine.MaxSize:
		return fmt.Errorf("a size is from 0 to %d bytes", engine.MaxSize)
	case f.SPort < 0 || f.SPort > 65535:
		return errors.New("a source port is from 1 to 65535")
	case f.SPort != 0 && f.Proto == "icmp":
		return errors.New("icmp has no source port: give the destination a port or a protocol")
	case f.Wait < 0 || f.Wait > MaxWait:
		return fmt.Errorf("a trace waits for at most %s", MaxWait)
	}
	return nil
}

// answer is the server's line: either an autopsy or an error.
type answer struct {
	Version int             `json:"version"`
	Autopsy *engine.Autopsy `json:"autopsy,omitempty"`
	Error   *failure        `json:"error,omitempty"`
}

// failure is an error on its way.
type failure struct {
	Kind kind   `json:"kind"`
	Text string `json:"text"`
	Hint string `json:"hint,omitempty"`
}

// kind is what an error means to the one who asked.
type kind string

const (
	kindUsage     kind = "usage"      // the question makes no sense
	kindNotFound  kind = "not found"  // engine.ErrNotFound
	kindCannotRun kind = "cannot run" // engine.ErrCannotRun
	kindInternal  kind = "internal"
)

// ErrUsage is in errors about a question that makes no sense.
var ErrUsage = errors.New("wrong request")

// errClasses are the kinds that a caller can tell by errors.Is.
var errClasses = map[kind]error{kindUsage: ErrUsage, kindNotFound: engine.ErrNotFound, kindCannotRun: engine.ErrCannotRun}

// fail is an error as it is sent.
func fail(err error) *failure {
	f := &failure{Kind: kindInternal, Text: err.Error()}
	for k, class := range errClasses {
		if errors.Is(err, class) {
			f.Kind = k
		}
	}
	if hinted := new(engine.Error); errors.As(err, &hinted) {
		f.Hint = hinted.Hint
	}
	return f
}

// err is an error as it came: it says the same, and is of the same kind.
func (f *failure) err() error {
	var err error = &failed{text: f.Text, class: errClasses[f.Kind]}
	if f.Hint != "" {
		err = engine.Hintf(err, "%s", f.Hint)
	}
	return err
}

type failed struct {
	text  string
	class error
}

func (f *failed) Error() string { return f.text }
func (f *failed) Unwrap() error { return f.class }

// Usage marks an error as one about the question, with the words and the hint
// that it had.
func Usage(err error) error {
	marked := &marked{err}
	if hinted := new(engine.Error); errors.As(err, &hinted) {
		return engine.Hintf(marked, "%s", hinted.Hint)
	}
	return marked
}

type marked struct{ error }

func (m *marked) Unwrap() []error { return []error{m.error, ErrUsage} }
