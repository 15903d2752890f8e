package theme

import "strings"

// Symbols are the few glyphs the screens use. Each is one cell wide, except
// Ellipsis and Arrow, so that a column of them lines up in either set.
type Symbols struct {
	Todo, Done, Waiting, Broken, Part, Read string
	Pointer, Bullet, Dot                    string
	Vertical, Horizontal, Heavy, Cross      string
	TopLeft, TopRight                       string
	BottomLeft, BottomRight                 string
	Callout                                 string
	Ellipsis, Arrow                         string
	Up, Down                                string

	// Plain rewrites text written with line-drawing characters when the
	// terminal is to show ASCII only; otherwise it returns it unchanged.
	Plain func(string) string
}

// UnicodeSymbols is the usual set.
func UnicodeSymbols() Symbols {
	return Symbols{
		Todo: "○", Done: "✓", Waiting: "•", Broken: "!", Part: "◐", Read: "✓",
		Pointer: "▸", Bullet: "•", Dot: "·",
		Vertical: "│", Horizontal: "─", Heavy: "━", Cross: "┼",
		TopLeft: "╭", TopRight: "╮", BottomLeft: "╰", BottomRight: "╯",
		Callout: "▎", Ellipsis: "…", Arrow: "→", Up: "↑", Down: "↓",
		Plain: func(s string) string { return s },
	}
}

// ASCIISymbols is for terminals and fonts without line-drawing characters.
func ASCIISymbols() Symbols {
	r := strings.NewReplacer(
		"─", "-", "━", "=", "│", "|", "┃", "|", "═", "=", "║", "|", "╌", "-", "┄", "-", "┈", "-", "┆", "|", "┊", "|",
		"┌", "+", "┐", "+", "└", "+", "┘", "+", "├", "+", "┤", "+", "┬", "+", "┴", "+", "┼", "+",
		"╭", "+", "╮", "+", "╰", "+", "╯", "+", "╔", "+", "╗", "+", "╚", "+", "╝", "+",
		"╠", "+", "╣", "+", "╦", "+", "╩", "+", "╬", "+", "╪", "+", "╫", "+",
		"▲", "^", "▼", "v", "◀", "<", "▶", ">", "►", ">", "◄", "<", "▸", ">",
		"←", "<", "→", ">", "↑", "^", "↓", "v", "↔", "-", "⇒", "=", "⟶", ">",
		"…", "...", "•", "*", "·", "-", "✓", "x", "✗", "!", "○", "o", "●", "*", "◐", "%",
		"“", `"`, "”", `"`, "‘", "'", "’", "'", "–", "-", "—", "-", "×", "x", "≤", "<=", "≥", ">=", "≠", "!=",
		"█", "#", "▓", "#", "▒", "#", "░", ".",
	)
	return Symbols{
		Todo: "o", Done: "x", Waiting: ".", Broken: "!", Part: "%", Read: "x",
		Pointer: ">", Bullet: "*", Dot: "-",
		Vertical: "|", Horizontal: "-", Heavy: "=", Cross: "+",
		TopLeft: "+", TopRight: "+", BottomLeft: "+", BottomRight: "+",
		Callout: "|", Ellipsis: "...", Arrow: "->", Up: "^", Down: "v",
		Plain: r.Replace,
	}
}
