// Package paint puts styled text into rectangles of cells. It measures with
// escape sequences left out and wide characters counted as two, and never
// returns a line that is wider or narrower than was asked for. It knows
// rectangles and lines, not what they mean.
package paint

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"underlay/tui/theme"
)

const reset = "\x1b[m"

// Width is the number of cells s takes on one line.
func Width(s string) int { return ansi.StringWidth(s) }

// Cut shortens s to at most w cells; tail replaces what was cut off.
func Cut(s string, w int, tail string) string {
	if w <= 0 {
		return ""
	}
	if Width(s) <= w {
		return s
	}
	if Width(tail) > w {
		tail = ""
	}
	return ansi.Truncate(s, w, tail)
}

// Fit makes s exactly w cells wide: cut off, or filled with spaces.
func Fit(s string, w int) string {
	if w <= 0 {
		return ""
	}
	n := Width(s)
	if n > w {
		s = ansi.Truncate(s, w, "")
		n = Width(s)
	}
	return s + strings.Repeat(" ", w-n)
}

// Spread puts left and right at the two ends of a line of w cells. Where both
// do not fit, left is shortened; where right alone does not fit it is left out.
func Spread(left, right string, w int, tail string) string {
	r := Width(right)
	if r == 0 || r+2 > w {
		return Fit(Cut(left, w, tail), w)
	}
	return Fit(Cut(left, w-r-1, tail), w-r) + right
}

// Centre puts s in the middle of w cells.
func Centre(s string, w int) string {
	n := Width(s)
	if n >= w {
		return Fit(s, w)
	}
	return Fit(strings.Repeat(" ", (w-n)/2)+s, w)
}

// Wrap breaks s into lines of at most w cells, at spaces where it can.
func Wrap(s string, w int) []string {
	if w <= 0 {
		return nil
	}
	return strings.Split(ansi.Wrap(s, w, " "), "\n")
}

// Indent puts prefix before each line.
func Indent(prefix string, lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = prefix + l
	}
	return out
}

// Each applies f (often a style's Render) to each line.
func Each(lines []string, f func(...string) string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = f(l)
	}
	return out
}

// Block makes of lines exactly h lines of exactly w cells.
func Block(lines []string, w, h int) []string {
	if h < 0 {
		h = 0
	}
	out := make([]string, h)
	blank := strings.Repeat(" ", max(w, 0))
	for i := range out {
		if i < len(lines) {
			out[i] = Fit(lines[i], w)
		} else {
			out[i] = blank
		}
	}
	return out
}

// Window is the part of lines that shows in h rows when the first offset lines
// are scrolled away. Offset is clamped; the clamped value is returned too.
func Window(lines []string, offset, h int) ([]string, int) {
	offset = Clamp(offset, 0, max(0, len(lines)-h))
	end := min(len(lines), offset+max(h, 0))
	return lines[offset:end], offset
}

// Clamp limits v to lo…hi.
func Clamp(v, lo, hi int) int { return max(lo, min(v, hi)) }

// Overlay lays box over base with its top left corner at x, y.
func Overlay(base, box []string, x, y int) []string {
	out := append([]string(nil), base...)
	for i, line := range box {
		row := y + i
		if row < 0 || row >= len(out) {
			continue
		}
		total, w := Width(out[row]), Width(line)
		left := Fit(ansi.Truncate(out[row], x, ""), x)
		right := ""
		if x+w < total {
			right = ansi.TruncateLeft(out[row], x+w, "")
			if Width(right) > total-x-w { // the cut went through a wide character
				right = ansi.TruncateLeft(out[row], x+w+1, "")
			}
			right = strings.Repeat(" ", max(0, total-x-w-Width(right))) + right
		}
		out[row] = left + reset + line + reset + right
	}
	return out
}

// Dim draws lines as the quiet background of a dialog, without their styles.
func Dim(st *theme.Styles, lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = st.Backdrop.Render(ansi.Strip(l))
	}
	return out
}

// Sentence gives s a capital and a full stop.
func Sentence(s string) string {
	if s == "" {
		return s
	}
	s = strings.ToUpper(s[:1]) + s[1:]
	if !strings.ContainsAny(s[len(s)-1:], ".!?") {
		s += "."
	}
	return s
}

// Exact makes of lines that are already w cells wide exactly h lines. It
// measures nothing, for lines that come many times a second.
func Exact(lines []string, w, h int) []string {
	if len(lines) == h {
		return lines
	}
	out := append([]string(nil), lines[:min(h, len(lines))]...)
	for len(out) < h {
		out = append(out, strings.Repeat(" ", w))
	}
	return out
}

// Blank reports whether a line shows nothing.
func Blank(s string) bool { return strings.TrimSpace(ansi.Strip(s)) == "" }

// Stripped is a line without its styles and without blanks around it.
func Stripped(s string) string { return strings.TrimSpace(ansi.Strip(s)) }

// Hard breaks s into lines of at most w cells wherever they end, as terminals do.
func Hard(s string, w int) []string {
	if w <= 0 {
		return nil
	}
	return strings.Split(ansi.Hardwrap(s, w, true), "\n")
}
