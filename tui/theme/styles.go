package theme

import (
	"image/color"

	"charm.land/lipgloss/v2"
)

// Options say how the program should look.
type Options struct {
	ASCII        bool
	NoColor      bool
	HighContrast bool
	Dark         bool // the terminal's background is dark
	Basic        bool // the terminal has sixteen colours of its own choosing
}

// Styles are what panes draw with.
type Styles struct {
	Options Options
	Tokens  Tokens
	Sym     Symbols

	Text, Muted, Strong, Accent, Title lipgloss.Style
	Good, Warn, Bad                    lipgloss.Style
	Border, BorderFocus                lipgloss.Style
	Chosen, ChosenMuted                lipgloss.Style // the selected row
	Key, KeyHelp, KeyOff               lipgloss.Style // the key bar
	Tab, TabOn                         lipgloss.Style
	Code                               lipgloss.Style
	Flash                              lipgloss.Style // a task that has just turned green
	Input                              lipgloss.Style
	Backdrop                           lipgloss.Style // what lies under a dialog
}

// New builds the styles for these options.
func New(o Options) *Styles {
	s := &Styles{Options: o, Sym: UnicodeSymbols()}
	if o.ASCII {
		s.Sym = ASCIISymbols()
	}
	switch {
	case o.HighContrast:
		s.Tokens = ContrastTokens(o.Dark)
	case o.Dark:
		s.Tokens = DarkTokens()
	default:
		s.Tokens = LightTokens()
	}
	if o.NoColor {
		s.plain()
		return s
	}
	if o.Basic {
		s.plain()
		s.basic()
		return s
	}
	s.coloured()
	return s
}

// basic adds the terminal's own colours, where there are only those. What they
// look like is not known, so that weight and reverse video still carry all.
func (s *Styles) basic() {
	fg := func(c color.Color) lipgloss.Style { return lipgloss.NewStyle().Foreground(c) }
	s.Accent, s.Title, s.Key = fg(lipgloss.Cyan).Bold(true), fg(lipgloss.Cyan).Bold(true), fg(lipgloss.Cyan).Bold(true)
	s.Good, s.Warn, s.Bad = fg(lipgloss.Green), fg(lipgloss.Yellow), fg(lipgloss.Red)
	s.BorderFocus = fg(lipgloss.Cyan)
}

func (s *Styles) coloured() {
	t := s.Tokens
	fg := func(c color.Color) lipgloss.Style { return lipgloss.NewStyle().Foreground(c) }
	s.Text, s.Muted, s.Strong = fg(t.Text), fg(t.Muted), fg(t.Text).Bold(true)
	s.Accent, s.Title = fg(t.Accent), fg(t.Accent).Bold(true)
	s.Good, s.Warn, s.Bad = fg(t.Good), fg(t.Warn), fg(t.Bad)
	s.Border, s.BorderFocus = fg(t.Border), fg(t.Accent)
	s.Chosen = fg(t.Text).Background(t.Raised).Bold(true)
	s.ChosenMuted = fg(t.Text).Background(t.Raised)
	s.Key, s.KeyHelp, s.KeyOff = fg(t.Accent).Bold(true), fg(t.Muted), fg(t.Muted).Faint(true)
	s.Tab, s.TabOn = fg(t.Muted), fg(t.Ink).Background(t.Accent).Bold(true)
	s.Code = fg(t.Text).Background(t.Raised)
	s.Flash = fg(t.Ink).Background(t.Good).Bold(true)
	s.Input = fg(t.Text).Background(t.Raised)
	s.Backdrop = fg(t.Muted).Faint(!s.Options.HighContrast)
}

// plain uses no colour at all: weight, reverse video and symbols carry it all.
func (s *Styles) plain() {
	n := lipgloss.NewStyle()
	s.Text, s.Muted, s.Strong = n, n, n.Bold(true)
	s.Accent, s.Title = n.Bold(true), n.Bold(true)
	s.Good, s.Warn, s.Bad = n, n.Bold(true), n.Bold(true)
	s.Border, s.BorderFocus = n, n.Bold(true)
	s.Chosen, s.ChosenMuted = n.Reverse(true).Bold(true), n.Reverse(true)
	s.Key, s.KeyHelp, s.KeyOff = n.Bold(true), n, n.Faint(true)
	s.Tab, s.TabOn = n, n.Reverse(true).Bold(true)
	s.Code = n.Bold(true)
	s.Flash = n.Reverse(true).Bold(true)
	s.Input = n.Underline(true)
	s.Backdrop = n.Faint(true)
}
