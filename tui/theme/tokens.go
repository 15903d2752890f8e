// Package theme turns a handful of colour tokens into the styles and symbols
// that every screen draws with. Styles are values that are handed to panes:
// nothing here is a package variable, so that a theme can change while the
// program runs and two programs can differ. The package does not know what is
// drawn with them.
package theme

import (
	"image/color"
	"math"

	"charm.land/lipgloss/v2"
)

// Tokens are the colours of a theme. Paper holds the backgrounds a terminal
// with this theme may have, from one extreme to the other: every text token is
// legible (≥ 4.5:1) on each of them. Border is decoration and may be fainter.
type Tokens struct {
	Paper  []color.Color
	Text   color.Color // what is read
	Muted  color.Color // what is read second
	Accent color.Color // what is chosen, and what can be pressed
	Good   color.Color
	Warn   color.Color
	Bad    color.Color
	Border color.Color
	Raised color.Color // background of the chosen row, of code and of call-outs
	Ink    color.Color // text on Accent
}

// Names of the themes that Options.Theme may ask for.
const (
	Auto  = "auto"
	Dark  = "dark"
	Light = "light"
	High  = "contrast" // high contrast, on whichever background the terminal has
)

func hex(s string) color.Color { return lipgloss.Color(s) }

// DarkTokens are for terminals with a dark background.
func DarkTokens() Tokens {
	return Tokens{
		Paper: []color.Color{hex("#000000"), hex("#282c34")},
		Text:  hex("#d9dee8"), Muted: hex("#a4a9b3"), Accent: hex("#7db4ff"),
		Good: hex("#7fcf9a"), Warn: hex("#e6b866"), Bad: hex("#ff8f8f"),
		Border: hex("#505560"), Raised: hex("#333842"), Ink: hex("#0d1420"),
	}
}

// LightTokens are for terminals with a light background.
func LightTokens() Tokens {
	return Tokens{
		Paper: []color.Color{hex("#ffffff"), hex("#f2ecdc")},
		Text:  hex("#25272b"), Muted: hex("#54575d"), Accent: hex("#0b57b8"),
		Good: hex("#17663a"), Warn: hex("#7d5000"), Bad: hex("#b3202c"),
		Border: hex("#bcbcbc"), Raised: hex("#e4e4ea"), Ink: hex("#ffffff"),
	}
}

// ContrastTokens are for readers who need the strongest difference.
func ContrastTokens(dark bool) Tokens {
	if dark {
		return Tokens{
			Paper: []color.Color{hex("#000000"), hex("#1c1c1c")},
			Text:  hex("#ffffff"), Muted: hex("#e4e4e4"), Accent: hex("#ffff5f"),
			Good: hex("#5fff87"), Warn: hex("#ffd75f"), Bad: hex("#ffafaf"),
			Border: hex("#c0c0c0"), Raised: hex("#303030"), Ink: hex("#000000"),
		}
	}
	return Tokens{
		Paper: []color.Color{hex("#ffffff"), hex("#f5f5f5")},
		Text:  hex("#000000"), Muted: hex("#262626"), Accent: hex("#00008b"),
		Good: hex("#003f14"), Warn: hex("#4a2d00"), Bad: hex("#7a0010"),
		Border: hex("#404040"), Raised: hex("#e6e6e6"), Ink: hex("#ffffff"),
	}
}

// Contrast is the WCAG contrast ratio of two colours, from 1 to 21.
func Contrast(a, b color.Color) float64 {
	la, lb := luminance(a), luminance(b)
	if la < lb {
		la, lb = lb, la
	}
	return (la + 0.05) / (lb + 0.05)
}

func luminance(c color.Color) float64 {
	r, g, b, _ := c.RGBA()
	linear := func(v uint32) float64 {
		s := float64(v) / 0xffff
		if s <= 0.03928 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(r) + 0.7152*linear(g) + 0.0722*linear(b)
}
