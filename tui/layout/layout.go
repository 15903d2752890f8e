// Package layout says where everything goes. Compute is pure: the same size
// and state always give the same rectangles, they never overlap, and together
// they cover the terminal.
package layout

// The smallest terminal that can be worked in, in cells.
const (
	MinWidth  = 60
	MinHeight = 16
)

// Sizes at which a screen changes its arrangement.
const (
	labWide    = 100 // shell and tasks side by side
	homeWide   = 96  // list and details side by side
	readerWide = 108 // outline beside the text
	tall       = 28  // room for quiet rules between parts
	homeMax    = 160
	mapWide    = 160 // the map shows by itself from here on
	mapTall    = 45
	mapShares  = 38 // rows that the panel needs to have room for the map beside what it shows
	trailWide  = 50 // columns that the panel needs to have room for a packet's way
	textWidth  = 80
	outlineMin = 28
	outlineMax = 36
)

// Rect is a rectangle of cells; X and Y count from 0 at the top left.
type Rect struct{ X, Y, W, H int }

// Empty reports whether the rectangle holds no cell.
func (r Rect) Empty() bool { return r.W <= 0 || r.H <= 0 }

// Contains reports whether the cell at x, y lies in the rectangle.
func (r Rect) Contains(x, y int) bool {
	return x >= r.X && y >= r.Y && x < r.X+r.W && y < r.Y+r.H
}

// Screen names what fills the terminal.
type Screen int

// The screens.
const (
	Home Screen = iota
	Reader
	Opening
	Lab
)

// Shown says whether a part that large screens have room for shows.
type Shown int

// The choices.
const (
	ByRoom Shown = iota // where there is room to spare
	Always
	Never
)

// State is what else decides the arrangement.
type State struct {
	Screen Screen
	Zoom   bool // lab: the shell has the whole width
	Panel  bool // lab, where only one fits: tasks or lesson rather than the shell
	Map    Shown
	Path   bool // lab: a packet's way shows
}

// Rects is where each part goes; a part that is not shown is empty.
type Rects struct {
	Width, Height int
	TooSmall      bool
	Split         bool // lab: shell and panel are both visible

	Header Rect
	Body   Rect // home: list · reader: text · lab: panel · opening, too small: everything
	Side   Rect // home: details · reader: outline
	Sep    Rect // vertical rule between Body and its neighbour
	Tabs   Rect
	Shell  Rect
	Strip  Rect // lab: the current task in one line
	Map    Rect // lab: the map, beside the panel or in the place of what else would show
	MapTop Rect // horizontal rule above the map where that shares the panel's column
	Path   Rect // lab: a packet's way, in the place of the tasks, the shell, or all
	Divide Rect // horizontal rule above the packet's way where that shares the panel's column
	Rule   Rect // horizontal rule above the footer, or above home's details
	Footer Rect

	Margins []Rect // left blank
}

// All returns every rectangle that is shown.
func (r *Rects) All() []Rect {
	var out []Rect
	for _, x := range append([]Rect{r.Header, r.Body, r.Side, r.Sep, r.Tabs, r.Shell, r.Strip, r.Map, r.MapTop, r.Path, r.Divide, r.Rule, r.Footer}, r.Margins...) {
		if !x.Empty() {
			out = append(out, x)
		}
	}
	return out
}

// Compute lays the screen out.
func Compute(w, h int, s State) Rects {
	r := Rects{Width: max(w, 0), Height: max(h, 0)}
	if w < MinWidth || h < MinHeight {
		r.TooSmall = true
		r.Body = Rect{0, 0, r.Width, r.Height}
		return r
	}
	r.Footer = Rect{0, h - 1, w, 1}
	switch s.Screen {
	case Home:
		r.home()
	case Reader:
		r.reader()
	case Lab:
		r.lab(s)
	default:
		r.Body = Rect{0, 0, w, h - 1}
	}
	return r
}

// footRule puts a rule above the footer where there is room, and returns the
// first row that is taken at the bottom.
func (r *Rects) footRule() int {
	bottom := r.Footer.Y
	if r.Height >= tall {
		bottom--
		r.Rule = Rect{0, bottom, r.Width, 1}
	}
	return bottom
}

// sides takes a margin at the left and the right so that n columns remain.
func (r *Rects) sides(n, top, bottom int) (x, w int) {
	n = min(n, r.Width)
	x = (r.Width - n) / 2
	r.Margins = append(r.Margins, Rect{0, top, x, bottom - top}, Rect{x + n, top, r.Width - x - n, bottom - top})
	return x, n
}

func (r *Rects) home() {
	const head = 4
	r.Header = Rect{0, 0, r.Width, head}
	if r.Width >= homeWide {
		bottom := r.footRule()
		x, w := r.sides(homeMax, head, bottom)
		list := min(w*54/100, 84)
		r.Body = Rect{x, head, list, bottom - head}
		r.Sep = Rect{x + list, head, 3, bottom - head}
		r.Side = Rect{x + list + 3, head, w - list - 3, bottom - head}
		return
	}
	bottom := r.Footer.Y
	if r.Height >= 22 {
		n := 4
		if r.Height >= tall {
			n = 7
		}
		r.Side = Rect{0, bottom - n, r.Width, n}
		r.Rule = Rect{0, bottom - n - 1, r.Width, 1}
		bottom -= n + 1
	}
	r.Body = Rect{0, head, r.Width, bottom - head}
}

func (r *Rects) reader() {
	const head = 2
	r.Header = Rect{0, 0, r.Width, head}
	bottom := r.footRule()
	if r.Width >= readerWide {
		outline := min(max(r.Width-textWidth-6, outlineMin), outlineMax)
		x, w := r.sides(outline+3+textWidth+3, head, bottom)
		r.Side = Rect{x, head, outline, bottom - head}
		r.Sep = Rect{x + outline, head, 3, bottom - head}
		r.Body = Rect{x + outline + 3, head, w - outline - 3, bottom - head}
		return
	}
	x, w := r.sides(textWidth+4, head, bottom)
	r.Body = Rect{x, head, w, bottom - head}
}

func (r *Rects) lab(s State) {
	w := r.Width
	if w >= labWide && !s.Zoom {
		r.Split = true
		bottom := r.footRule()
		panel := min(max(w*36/100, 36), 64)
		r.Header = Rect{0, 0, panel, 2}
		r.Body = Rect{0, 2, panel, bottom - 2}
		r.Sep = Rect{panel, 0, 2, bottom}
		r.Tabs = Rect{panel + 2, 0, w - panel - 2, 2}
		r.Shell = Rect{panel + 2, 2, w - panel - 2, bottom - 2}
		if s.Map == Always || s.Map == ByRoom && w >= mapWide && r.Height >= mapTall {
			r.mapInPanel()
		}
		if s.Path {
			r.placePath(bottom - 2)
		}
		return
	}
	tabs := 1
	if r.Height >= tall {
		tabs = 2
	}
	r.Tabs = Rect{0, 0, w, tabs}
	r.Strip = Rect{0, r.Footer.Y - 1, w, 1}
	rest := Rect{0, tabs, w, r.Strip.Y - tabs}
	if s.Path && !s.Zoom {
		r.Path = rest
		return
	}
	if s.Map == Always && !s.Zoom {
		r.Map = rest
		return
	}
	if s.Panel && !s.Zoom {
		r.Body = rest
		return
	}
	r.Shell = rest
}

// mapInPanel gives the map a part of the panel's column, or all of it where two
// parts would both be too low.
func (r *Rects) mapInPanel() {
	if r.Body.H < mapShares {
		r.Map, r.Body = r.Body, Rect{}
		return
	}
	h := (r.Body.H - 1) / 2
	r.Map = Rect{r.Body.X, r.Body.Y + r.Body.H - h, r.Body.W, h}
	r.Body.H -= h + 1
	r.MapTop = Rect{r.Body.X, r.Map.Y - 1, r.Body.W, 1}
}

// placePath puts a packet's way into the panel, whose column is height rows high,
// where it can be read there: it shares that with the tasks, or takes their place
// if the map already shares it, so that the way and the map are seen together.
// Else it takes the shell's place, which is wider.
func (r *Rects) placePath(height int) {
	switch {
	case r.Header.W < trailWide || height < mapShares:
		r.Path, r.Shell = r.Shell, Rect{}
	case !r.Map.Empty():
		r.Path, r.Body = r.Body, Rect{}
	default:
		h := (r.Body.H - 1) / 2
		r.Path = Rect{r.Body.X, r.Body.Y + r.Body.H - h, r.Body.W, h}
		r.Body.H -= h + 1
		r.Divide = Rect{r.Body.X, r.Path.Y - 1, r.Body.W, 1}
	}
}
