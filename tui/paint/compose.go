package paint

import (
	"sort"
	"strings"

	"underlay/tui/layout"
)

// Piece is a rectangle and the lines that fill it.
type Piece struct {
	Rect  layout.Rect
	Lines []string
}

// Compose puts pieces that do not overlap onto a screen of w × h cells and
// returns its lines. Cells that no piece covers are blank. Lines are trusted to
// be as wide as their rectangle, see Block.
func Compose(w, h int, pieces []Piece) []string {
	kept := pieces[:0:0]
	for _, p := range pieces {
		if p.Rect.W > 0 && p.Rect.H > 0 {
			kept = append(kept, p)
		}
	}
	sort.SliceStable(kept, func(i, j int) bool { return kept[i].Rect.X < kept[j].Rect.X })
	out := make([]string, h)
	var b strings.Builder
	for y := range out {
		b.Reset()
		x := 0
		for _, p := range kept {
			i := y - p.Rect.Y
			if i < 0 || i >= p.Rect.H || i >= len(p.Lines) || p.Rect.X < x {
				continue
			}
			b.WriteString(strings.Repeat(" ", p.Rect.X-x))
			b.WriteString(p.Lines[i])
			b.WriteString(reset)
			x = p.Rect.X + p.Rect.W
		}
		b.WriteString(strings.Repeat(" ", max(0, w-x)))
		out[y] = b.String()
	}
	return out
}
