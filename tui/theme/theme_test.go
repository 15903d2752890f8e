package theme

import (
	"image/color"
	"math"
	"testing"
)

func TestTextTokensAreLegible(t *testing.T) {
	for name, k := range map[string]Tokens{
		"dark": DarkTokens(), "light": LightTokens(), "contrast dark": ContrastTokens(true), "contrast light": ContrastTokens(false),
	} {
		text := map[string]color.Color{"text": k.Text, "muted": k.Muted, "accent": k.Accent, "good": k.Good, "warn": k.Warn, "bad": k.Bad}
		least := 4.5
		if name[0] == 'c' {
			least = 7
		}
		for _, paper := range k.Paper {
			for token, c := range text {
				if got := Contrast(c, paper); got < least {
					t.Errorf("%s: %s on %v has a contrast of %.2f, want %.1f", name, token, paper, got, least)
				}
			}
		}
		for token, pair := range map[string][2]color.Color{
			"text on raised": {k.Text, k.Raised}, "muted on raised": {k.Muted, k.Raised}, "accent on raised": {k.Accent, k.Raised},
			"ink on accent": {k.Ink, k.Accent}, "ink on good": {k.Ink, k.Good},
		} {
			if got := Contrast(pair[0], pair[1]); got < 4.5 {
				t.Errorf("%s: %s has a contrast of %.2f", name, token, got)
			}
		}
	}
}

func TestContrast(t *testing.T) {
	if got := Contrast(color.Black, color.White); math.Abs(got-21) > 0.01 {
		t.Errorf("black on white: %.2f, want 21", got)
	}
	if got := Contrast(hex("#767676"), color.White); math.Abs(got-4.54) > 0.02 {
		t.Errorf("grey on white: %.2f, want 4.54", got)
	}
}

func TestSymbolsOfBothSetsAreOneCell(t *testing.T) {
	u, a := UnicodeSymbols(), ASCIISymbols()
	for i, s := range []string{u.Todo, u.Done, u.Waiting, u.Broken, u.Part, u.Read, u.Pointer, u.Bullet, u.Dot, u.Vertical, u.Horizontal, u.Heavy, u.Cross, u.Callout} {
		if len([]rune(s)) != 1 {
			t.Errorf("symbol %d: %q", i, s)
		}
	}
	if got := a.Plain("┌─┐ a → b … × “x”"); got != `+-+ a > b ... x "x"` {
		t.Errorf("plain: %q", got)
	}
}
