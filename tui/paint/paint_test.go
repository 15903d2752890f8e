package paint

import (
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"underlay/tui/layout"
)

func TestFitIsExact(t *testing.T) {
	for _, s := range []string{"", "abc", "日本語の文字", "\x1b[31mred\x1b[m and more", "tab", "é́x"} {
		for w := range 12 {
			if got := Width(Fit(s, w)); got != w {
				t.Errorf("Fit(%q, %d) is %d wide", s, w, got)
			}
			if got := Width(Cut(s, w, "…")); got > w {
				t.Errorf("Cut(%q, %d) is %d wide", s, w, got)
			}
			if got := Width(Spread(s, "right", w, "…")); got != w {
				t.Errorf("Spread(%q, %d) is %d wide", s, w, got)
			}
			if got := Width(Centre(s, w)); got != w {
				t.Errorf("Centre(%q, %d) is %d wide", s, w, got)
			}
		}
	}
}

func TestBlockAndWindow(t *testing.T) {
	if got := Block([]string{"a", "bcd"}, 2, 3); !slices.Equal(got, []string{"a ", "bc", "  "}) {
		t.Errorf("%q", got)
	}
	lines := []string{"0", "1", "2", "3"}
	for _, c := range []struct {
		offset, h, at int
		want          []string
	}{{0, 2, 0, lines[:2]}, {9, 2, 2, lines[2:]}, {-3, 9, 0, lines}, {1, 3, 1, lines[1:]}} {
		got, at := Window(lines, c.offset, c.h)
		if at != c.at || !slices.Equal(got, c.want) {
			t.Errorf("Window(%d, %d) = %v, %d", c.offset, c.h, got, at)
		}
	}
}

func TestOverlayKeepsTheWidthOfWhatLiesBelow(t *testing.T) {
	base := []string{"日本語日本語", "\x1b[32m123456789012\x1b[m", "abcdefghijkl"}
	got := Overlay(base, []string{"[xx]", "[yy]"}, 3, 1)
	for i, l := range got {
		if Width(l) != 12 {
			t.Errorf("line %d is %d wide: %q", i, Width(l), l)
		}
	}
	if s := ansi.Strip(got[1]); s != "123[xx]89012" {
		t.Errorf("%q", s)
	}
	if got := Overlay(base, []string{"zz"}, 1, 0); Width(got[0]) != 12 {
		t.Errorf("cut through a wide character: %d wide", Width(got[0]))
	}
}

func TestComposePutsPiecesSideBySide(t *testing.T) {
	got := Compose(6, 2, []Piece{
		{layout.Rect{X: 4, Y: 0, W: 2, H: 2}, []string{"CC", "DD"}},
		{layout.Rect{X: 0, Y: 0, W: 3, H: 1}, []string{"AAA"}},
		{layout.Rect{}, []string{"hidden"}},
	})
	if s := ansi.Strip(strings.Join(got, "|")); s != "AAA CC|    DD" {
		t.Errorf("%q", s)
	}
}
