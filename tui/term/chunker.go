package term

import (
	"io"
	"time"
	"unicode/utf8"
)

const (
	readMin = 256
	readMax = 4096
	// readAhead is how long it may take to parse what one read returns: what
	// has been read already is shown even after an interrupt.
	readAhead = 10 * time.Millisecond
)

// chunker reads a terminal in pieces that are no longer than can be parsed
// soon, and that do not end within a rune. The emulator draws what it has at the
// end of each write, so a base letter and its combining mark must arrive
// together.
type chunker struct {
	buf  [readMax + utf8.UTFMax]byte
	held int // bytes at the start of buf that came before
	keep []byte
	size int
}

// next reads once and returns what can be shown. The slice is valid until the
// next call.
func (c *chunker) next(r io.Reader) ([]byte, error) {
	if c.size == 0 {
		c.size = readMax
	}
	c.held = copy(c.buf[:], c.keep)
	c.keep = nil
	n, err := r.Read(c.buf[c.held : c.held+c.size])
	data := c.buf[:c.held+n]
	if err != nil {
		return data, err
	}
	cut := len(data) - tail(data)
	c.keep = data[cut:]
	return data[:cut], nil
}

// rest returns what was held back.
func (c *chunker) rest() []byte {
	rest := c.keep
	c.keep = nil
	return rest
}

// took tells how long the last piece took to parse.
func (c *chunker) took(n int, d time.Duration) {
	switch {
	case d > readAhead:
		c.size = max(c.size/2, readMin)
	case d < readAhead/4 && 2*n >= c.size:
		c.size = min(c.size*2, readMax)
	}
}

// tail returns the length of the rune that the end of data cuts in two.
func tail(data []byte) int {
	for n := 1; n <= min(utf8.UTFMax, len(data)); n++ {
		if b := data[len(data)-n:]; utf8.RuneStart(b[0]) {
			if utf8.FullRune(b) {
				return 0
			}
			return n
		}
	}
	return 0
}
