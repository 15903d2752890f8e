package term

// historyBytes bounds what the history of one pane takes, however long its
// lines and however many colours they have.
const historyBytes = 16 << 20

// historyLine is one line that left the top of the screen, as it was drawn.
type historyLine struct {
	text  string // with SGR sequences, reset at the end
	width int    // in cells
}

// history keeps the newest lines in a ring.
type history struct {
	ring  []historyLine
	first int // index of the oldest
	n     int
	bytes int
	limit int // lines
}

func newHistory(limit int) *history {
	if limit <= 0 {
		limit = DefaultScrollback
	}
	return &history{limit: limit}
}

func (h *history) len() int { return h.n }

// line returns line i, 0 being the oldest.
func (h *history) line(i int) historyLine { return h.ring[(h.first+i)%len(h.ring)] }

// cost is what a line takes: its text and its place in the ring.
func (p historyLine) cost() int { return len(p.text) + 24 }

func (h *history) push(p historyLine) {
	for h.n > 0 && (h.n == h.limit || h.bytes+p.cost() > historyBytes) {
		old := &h.ring[h.first]
		h.bytes -= old.cost()
		*old = historyLine{}
		h.first = (h.first + 1) % len(h.ring)
		h.n--
	}
	if h.n == len(h.ring) {
		h.grow()
	}
	h.ring[(h.first+h.n)%len(h.ring)] = p
	h.n++
	h.bytes += p.cost()
}

func (h *history) grow() {
	ring := make([]historyLine, min(max(2*len(h.ring), 64), h.limit))
	for i := range h.n {
		ring[i] = h.line(i)
	}
	h.ring, h.first = ring, 0
}

func (h *history) clear() {
	*h = history{limit: h.limit}
}
