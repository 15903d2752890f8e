package term

import "sync"

// How many bytes may wait for the program before more of a kind is refused.
// Keys come last to their limit, so that an interrupt still gets through
// behind a paste, and answers first: a program that asks and never reads must
// not fill the queue.
const (
	answerLimit = 4 << 10
	pasteLimit  = 1 << 20
	keyLimit    = pasteLimit + 64<<10
)

// queue holds bytes on their way to the program. Putting something in never
// blocks: what does not fit is refused whole, so that no sequence is cut.
type queue struct {
	mu     sync.Mutex
	some   sync.Cond
	buf    []byte
	closed bool
}

func newQueue() *queue {
	q := &queue{}
	q.some.L = &q.mu
	return q
}

// put appends a copy of b unless more than limit bytes would then wait, and
// reports whether it did. After close, b is swallowed: nobody is left to read.
func (q *queue) put(b []byte, limit int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || len(b) == 0 {
		return true
	}
	if len(q.buf)+len(b) > limit {
		return false
	}
	q.buf = append(q.buf, b...)
	q.some.Signal()
	return true
}

// take waits for bytes and returns up to 4 KiB of them. It returns false once
// the queue is closed.
func (q *queue) take() ([]byte, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.buf) == 0 && !q.closed {
		q.some.Wait()
	}
	if q.closed {
		return nil, false
	}
	n := min(len(q.buf), 4096)
	b := q.buf[:n:n]
	q.buf = q.buf[n:]
	if len(q.buf) == 0 {
		q.buf = nil
	}
	return b, true
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.buf = nil
	q.some.Broadcast()
}
