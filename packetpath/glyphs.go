package packetpath

// glyphs are what a path is drawn with, each one cell wide but for arrow and
// ellipsis.
type glyphs struct {
	there, back     string // a node on the way there, on the way back
	rail, railBack  string // between two of them
	tunnel          string // between two that a tunnel joins
	good, dead, ask string
	arrow, ellipsis string
}

func glyphsFor(ascii bool) glyphs {
	if ascii {
		return glyphs{
			there: "o", back: "<", rail: "|", railBack: ":", tunnel: "H",
			good: "+", dead: "X", ask: "?", arrow: "->", ellipsis: "...",
		}
	}
	return glyphs{
		there: "●", back: "○", rail: "│", railBack: "┊", tunnel: "║",
		good: "✓", dead: "✗", ask: "?", arrow: "→", ellipsis: "…",
	}
}
