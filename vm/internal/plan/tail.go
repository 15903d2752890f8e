package plan

import "bytes"

// maxOutput is how much of a step's output is kept, in bytes.
const maxOutput = 1 << 20

// Tail keeps the end of what a step prints.
type Tail struct {
	buf bytes.Buffer
	cut bool
}

// Add takes in what was printed.
func (t *Tail) Add(lines string) {
	t.buf.WriteString(lines)
	if over := t.buf.Len() - maxOutput; over > 0 {
		t.buf.Next(over)
		t.cut = true
	}
}

// String returns the end of what was printed, from the beginning of a line.
func (t *Tail) String() string {
	b := t.buf.Bytes()
	if !t.cut {
		return string(b)
	}
	_, b, _ = bytes.Cut(b, []byte("\n"))
	return "… the beginning is left out\n" + string(b)
}
