package topology

import (
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"
)

// glyphs are what a drawing is made of, each one cell wide but for the leads of
// rows, which are two.
type glyphs struct {
	horizontal, vertical                       string
	topLeft, topRight, bottomLeft, bottomRight string

	bridge, port, lastPort, bar    string // a bridge, its ports, and what joins them
	branch, lastBranch, stem       string // what sits on a device
	in, out                        string // packets received, packets sent
	changed, path, off, astray, to string
	ascii                          bool
	lines                          [numLines]lineGlyphs
}

// style is how a line looks.
type style uint8

const (
	thin    style = iota
	dashed        // carries nothing
	double        // a tunnel
	heavy         // on a packet's path
	severed       // on a packet's path, and carries nothing
	numLines
)

// lineGlyphs are the pieces of a line; the corners are named by the two sides
// that they join.
type lineGlyphs struct {
	horizontal, vertical                 string
	rightDown, leftDown, rightUp, leftUp string
	fromLeft, fromRight                  string // where it leaves a box's right, left border
}

func glyphsFor(ascii bool) glyphs {
	if ascii {
		// A corner of a line is no plus, which would seem to join what is beside it.
		of := func(h, v, upper, lower string) lineGlyphs {
			return lineGlyphs{h, v, upper, upper, lower, lower, "+", "+"}
		}
		return glyphs{
			horizontal: "-", vertical: "|", topLeft: "+", topRight: "+", bottomLeft: "+", bottomRight: "+",
			bridge: "= ", port: "|-", lastPort: "`-", bar: "| ", branch: "|-", lastBranch: "`-", stem: "| ",
			in: "<", out: ">", changed: "*", path: ">", off: "X", astray: "?", to: "-", ascii: true,
			lines: [numLines]lineGlyphs{
				thin: of("-", "|", ".", "'"), dashed: of("~", ":", ".", "'"), double: of("=", "|", ".", "'"),
				heavy: of("#", "#", "#", "#"), severed: of("#", "#", "#", "#"),
			},
		}
	}
	return glyphs{
		horizontal: "─", vertical: "│", topLeft: "┌", topRight: "┐", bottomLeft: "└", bottomRight: "┘",
		bridge: "┏ ", port: "┣ ", lastPort: "┗ ", bar: "┃ ", branch: "├ ", lastBranch: "╰ ", stem: "│ ",
		in: "↓", out: "↑", changed: "•", path: "▸", off: "╳", astray: "?", to: "·",
		lines: [numLines]lineGlyphs{
			thin:    {"─", "│", "╭", "╮", "╰", "╯", "├", "┤"},
			dashed:  {"┄", "┆", "╭", "╮", "╰", "╯", "├", "┤"},
			double:  {"═", "║", "╔", "╗", "╚", "╝", "╞", "╡"},
			heavy:   {"━", "┃", "┏", "┓", "┗", "┛", "┝", "┥"},
			severed: {"┅", "┇", "┏", "┓", "┗", "┛", "┝", "┥"},
		},
	}
}

// crossing is where a line that goes across meets one that goes up and down. Lines
// only ever join devices, so that a crossing joins nothing. In ASCII, where a plus
// would look like a joint, the line that goes down is drawn over the other.
func (g *glyphs) crossing(across, down style) string {
	if g.ascii {
		return g.lines[down].vertical
	}
	bold := func(s style) bool { return s == heavy || s == severed }
	switch {
	case bold(across) && bold(down):
		return "╋"
	case bold(across):
		return "┿"
	case bold(down):
		return "╂"
	case across == double && down == double:
		return "╬"
	case across == double:
		return "╪"
	case down == double:
		return "╫"
	}
	return "┼"
}

// width is the number of cells s takes. Nearly all that is drawn is ASCII and
// line-drawing characters, which need no look at the tables.
func width(s string) int {
	n := 0
	for _, r := range s {
		if r < ' ' || r > '~' && (r < '─' || r > '╿') {
			return ansi.StringWidth(s)
		}
		n++
	}
	return n
}

// clean is s without what would not show as itself.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return '?'
		}
		return r
	}, s)
}

// cut is the beginning of s that fits into w cells.
func cut(s string, w int) string { return ansi.Truncate(s, max(w, 0), "") }

// asciiOnly is s with a question mark for each character beyond ASCII.
func asciiOnly(s string) string {
	return strings.Map(func(r rune) rune {
		if r > unicode.MaxASCII {
			return '?'
		}
		return r
	}, s)
}
