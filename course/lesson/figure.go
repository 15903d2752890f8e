package lesson

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// FigureColumns is the width that a figure may have.
const FigureColumns = 64

// Figure is a picture in characters, each one column wide.
type Figure struct {
	Caption string // "" for none
	Text    string // lines without a final newline
}

// ASCII returns the figure for terminals without line drawing.
func (f *Figure) ASCII() string { return ASCII(f.Text) }

// drawing maps the characters that a figure may have besides ASCII.
var drawing = map[rune]rune{
	'─': '-', '│': '|', '┌': '+', '┐': '+', '└': '+', '┘': '+',
	'├': '+', '┤': '+', '┬': '+', '┴': '+', '┼': '+',
	'═': '=', '║': '|', '╔': '+', '╗': '+', '╚': '+', '╝': '+',
	'╞': '+', '╡': '+', '╤': '+', '╧': '+', '╪': '+',
	'╭': '+', '╮': '+', '╯': '+', '╰': '+',
	'━': '=', '┃': '|', '╌': '-', '╎': ':', '┄': '-', '┆': ':',
	'▲': '^', '▼': 'v', '◄': '<', '►': '>', '←': '<', '→': '>', '↑': '^', '↓': 'v',
	'●': 'o', '○': 'o', '•': '*', '·': '.', '×': 'x', '✗': 'x', '✓': 'v',
	'–': '-', '…': '.', '█': '#', '░': '.',
}

// ASCII replaces each drawing character by the ASCII one that stands for it,
// column for column. Characters it does not know become "?".
func ASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf {
			return r
		}
		if a, ok := drawing[r]; ok {
			return a
		}
		return '?'
	}, s)
}

// parseFigure checks a figure block's picture. line is that of its first line.
func parseFigure(file string, line int, caption string, lines []string) (*Figure, []error) {
	var errs []error
	for i, s := range lines {
		lines[i] = strings.TrimRight(s, " ")
		col := 0
		for _, r := range lines[i] {
			col++
			_, known := drawing[r]
			if !known && (r < ' ' || r > '~') {
				errs = append(errs, &Error{file, line + i, col, fmt.Sprintf("the figure has %q, which has no ASCII stand-in; allowed: printable ASCII, lines, boxes and arrows", r)})
				break
			}
		}
		if col > FigureColumns {
			errs = append(errs, &Error{file, line + i, FigureColumns + 1, fmt.Sprintf("the figure is %d columns wide; allowed: up to %d", col, FigureColumns)})
		}
	}
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	if len(lines) == 0 {
		errs = append(errs, &Error{file, line, 1, "the figure is empty; draw at least one line"})
	}
	return &Figure{Caption: caption, Text: strings.Join(lines, "\n")}, errs
}
