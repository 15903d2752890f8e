package main

import (
	"fmt"
	"strings"
)

// arms says in which directions a box-drawing character's lines leave the middle
// of its cell.
var arms = map[string]string{
	"─": "lr", "━": "lr", "│": "ud", "┃": "ud", "┌": "dr", "╭": "dr", "┐": "dl", "╮": "dl", "└": "ur", "╰": "ur",
	"┘": "ul", "╯": "ul", "├": "udr", "┤": "udl", "┬": "dlr", "┴": "ulr", "┼": "udlr",
}

// bars are the block characters that fill a cell from its left edge, in eighths.
var bars = map[string]float64{"▏": 1, "▎": 2, "▍": 3, "▌": 4, "▋": 5, "▊": 6, "▉": 7, "█": 8}

// shape returns what a run of one line or block character looks like, with %s for
// its colour, or "" for text.
func shape(r stretch, y int) string {
	first := string([]rune(r.text)[:1])
	x, top := px(r.x), float64(y*cellH)
	if eighths, ok := bars[first]; ok {
		return fmt.Sprintf(`<rect x="%g" y="%g" width="%.2f" height="%d" fill="%%s"/>`, x, top, eighths*cellW/8, cellH)
	}
	directions, ok := arms[first]
	if !ok {
		return ""
	}
	midX, midY := float64(int(x+cellW/2))+0.5, top+cellH/2+0.5
	if len([]rune(r.text)) > 1 || directions == "lr" {
		return line(first, fmt.Sprintf("M%g %gH%g", x, midY, px(r.x+r.width)))
	}
	var path strings.Builder
	for _, d := range directions {
		fmt.Fprintf(&path, "M%g %g", midX, midY)
		switch d {
		case 'u':
			fmt.Fprintf(&path, "V%g", top)
		case 'd':
			fmt.Fprintf(&path, "V%g", top+cellH)
		case 'l':
			fmt.Fprintf(&path, "H%g", x)
		case 'r':
			fmt.Fprintf(&path, "H%g", px(r.x+1))
		}
	}
	return line(first, path.String())
}

func line(char, path string) string {
	width := ""
	if char == "━" || char == "┃" {
		width = ` stroke-width="2"`
	}
	return fmt.Sprintf(`<path d="%s" stroke="%%s"%s/>`, path, width)
}
