package tui

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"gotest.tools/v3/golden"

	"underlay/engine"
	"underlay/tui/home"
	"underlay/tui/intent"
	"underlay/tui/internal/fake"
	"underlay/tui/keys"
	"underlay/tui/theme"
)

// scene brings the program to a screen.
type scene struct {
	name string
	to   func(*driver)
}

// toLab opens the lab, then presses keys.
func toLab(keys ...string) func(*driver) {
	return func(d *driver) {
		d.send(intent.OpenLab{ID: "docker0"})
		d.until("the shells are open", func() bool { return len(d.panes) == 3 })
		d.idle(labIdle)
		d.press(keys...)
		d.idle(labIdle)
	}
}

// toLesson opens the lesson, then presses keys.
func toLesson(keys ...string) func(*driver) {
	return func(d *driver) {
		d.send(intent.OpenLesson{ID: "docker0"})
		d.press(keys...)
		d.idle(0)
	}
}

// toOpening shows a lab that is being opened.
func toOpening(change func(*opening)) func(*driver) {
	return func(d *driver) {
		o := newOpening(d.t.Context(), fake.Lab(), d.m.styles)
		change(o)
		d.m.screen = o
		d.send(nil)
	}
}

// scenes are all screens and dialogs, as they are reached.
func scenes() []scene {
	return append([]scene{
		{"home", func(d *driver) { d.idle(0) }},
		{"lesson", toLesson()},
		{"lab", toLab()},
		{"home, finding", func(d *driver) { d.press("/", "d", "o") }},
		{"home, unavailable", func(d *driver) {
			d.send(labsChecked{map[string]home.Availability{"docker0": {Reason: "this kernel has no bridges", Remedy: "load the module bridge"}}})
		}},
		{"home, help", func(d *driver) { d.press("?"); d.idle(0) }},
		{"lesson, question", toLesson("b")},
		{"lesson, typing", toLesson("tab", "a", "d", "o")},
		{"lesson, end", toLesson("end")},
		{"lesson, outline", toLesson("o")},
		{"opening", toOpening(func(o *opening) {
			o.steps = []string{"Plugging in the cables", strings.Repeat("A step with many words ", 20)}
		})},
		{"opening, failed", toOpening(func(o *opening) {
			o.err = engine.Hintf(errors.New("the kernel refused"), "try %s", strings.Repeat("another machine, ", 20))
		})},
	}, labScenes()...)
}

// toPacket follows the packet of a red task, then presses keys.
func toPacket(recording string, keys ...string) func(*driver) {
	return func(d *driver) {
		p := redTask(d, recording)
		p.press("alt+9")
		p.until("there is an autopsy", func() bool { return p.shows("there") })
		p.press(keys...)
		p.idle(labIdle)
	}
}

func labScenes() []scene {
	set := func(change func(*fake.Session) engine.Status) func(*driver) {
		return func(d *driver) {
			toLab()(d)
			d.session.Set(change(d.session))
			d.idle(labIdle)
		}
	}
	ask := set(func(s *fake.Session) engine.Status { return fake.Status(s.TheLab, 3) })
	return []scene{
		{"lab, lesson", toLab("f3")},
		{"lab, zoom", toLab("f4")},
		{"lab, map", toMap},
		{"lab, packet", toPacket("policy")},
		{"lab, long way", toPacket("routers", "pgdown")},
		{"lab, tunnel", toPacket("overlay", "end")},
		{"lab, which packet", toLab("alt+9", "enter")},
		{"lab, menu", toLab("f1")},
		{"lab, hints", toLab("f2", "esc", "f2")},
		{"lab, prompt", func(d *driver) { ask(d); d.press("f7", "x") }},
		{"lab, solution", toLab("f9", "y")},
		{"lab, trouble", set(func(fs *fake.Session) engine.Status {
			s := fake.Status(fs.TheLab, 1)
			s.Health = []string{strings.Repeat("The namespace of c2 was deleted. ", 6)}
			s.Collateral = []engine.TaskResult{{Goal: "The host reaches the internet", Result: engine.Result{State: engine.Fail, Got: "no route"}}}
			s.Tasks[1].Says = strings.Repeat("a bridge is not a router ", 9)
			return s
		})},
		{"lab, testing", set(func(s *fake.Session) engine.Status {
			st := fake.Status(s.TheLab, 1)
			st.Testing = true
			return st
		})},
		{"lab, capture", set(func(s *fake.Session) engine.Status {
			st := fake.Status(s.TheLab, 1)
			st.Captures = []string{"host", "c1"}
			return st
		})},
		{"lab, what is sent", func(d *driver) { toLab("f1")(d); d.press("e"); d.idle(labIdle) }},
		{"lab, solved", set(func(s *fake.Session) engine.Status { return fake.Status(s.TheLab, 5) })},
	}
}

// sizes is a grid over everything the screens are made for, and the sizes at
// which an arrangement changes.
func sizes() [][2]int {
	var out [][2]int
	for _, w := range []int{60, 61, 72, 80, 95, 96, 99, 100, 107, 108, 120, 160, 163, 200, 250} {
		for _, h := range []int{16, 17, 21, 22, 24, 27, 28, 30, 43, 60, 70} {
			out = append(out, [2]int{w, h})
		}
	}
	return append(out, [2]int{59, 24}, [2]int{80, 15}, [2]int{10, 3}, [2]int{1, 1})
}

// At every size each screen is as many lines as the terminal has rows, and each
// line is as wide as the terminal.
func TestEveryScreenFillsEverySizeExactly(t *testing.T) {
	for _, s := range scenes() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			d := drive(t, nil)
			s.to(d)
			for _, size := range sizes() {
				d.send(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
				v := d.m.View()
				lines := strings.Split(v.Content, "\n")
				if len(lines) != size[1] {
					t.Fatalf("%v: %d lines", size, len(lines))
				}
				for i, l := range lines {
					if n := ansi.StringWidth(l); n != size[0] {
						t.Fatalf("%v: line %d is %d wide: %q", size, i, n, ansi.Strip(l))
					}
				}
				if c := v.Cursor; c != nil && (c.X < 0 || c.Y < 0 || c.X >= size[0] || c.Y >= size[1]) {
					t.Fatalf("%v: the cursor is at %d,%d", size, c.X, c.Y)
				}
			}
		})
	}
}

// colour finds an escape sequence that sets a colour.
var colour = regexp.MustCompile(`\x1b\[(?:[0-9]+[;:])*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:[;:][0-9]+)*m`)

func TestNoColorUsesNoColourAndStillShowsTheChoice(t *testing.T) {
	if !colour.MatchString("\x1b[1;38;2;1;2;3mx") || !colour.MatchString("\x1b[34m") || colour.MatchString("\x1b[1;7m") {
		t.Fatal("the test does not recognise colours")
	}
	for _, s := range scenes() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			d := drive(t, func(p *Deps) { p.Options.NoColor = true })
			s.to(d)
			for _, size := range [][2]int{{80, 24}, {120, 40}} {
				d.send(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
				if got := colour.FindString(d.m.View().Content); got != "" {
					t.Fatalf("%v: %q sets a colour", size, got)
				}
			}
		})
	}
	d := drive(t, func(p *Deps) { p.Options.NoColor = true })
	if !regexp.MustCompile(`\x1b\[[0-9;]*7m[^\x1b]*Start here`).MatchString(d.m.View().Content) {
		t.Error("the chosen row is not in reverse video")
	}
}

// Each theme that can be asked for has colours of its own.
func TestThemesDiffer(t *testing.T) {
	seen := map[string]string{}
	for _, name := range []string{theme.Dark, theme.Light, theme.High} {
		d := drive(t, func(p *Deps) { p.Options.Theme = name })
		v := d.m.View().Content
		if other, ok := seen[v]; ok {
			t.Errorf("%s looks as %s does", name, other)
		}
		seen[v] = name
	}
}

func TestASCIIShowsNothingElse(t *testing.T) {
	for _, s := range scenes() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			d := drive(t, func(p *Deps) { p.Options.ASCII = true })
			s.to(d)
			for _, size := range [][2]int{{80, 24}, {120, 40}} {
				d.send(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
				for _, r := range d.m.View().Content {
					if r > '~' {
						t.Fatalf("%v: %q shows:\n%s", size, r, d.text())
					}
				}
			}
		})
	}
}

// The bar shows every binding it has at 80 columns in the lab.
func TestTheKeyBarFitsAnOrdinaryTerminal(t *testing.T) {
	d := inLab(t, nil)
	d.session.Set(fake.Status(d.session.TheLab, 3)) // the task with an answer has the most keys
	d.idle(labIdle)
	d.send(tea.WindowSizeMsg{Width: 80, Height: 24})
	d.want("F10 leave")
}

func TestHelpOfEveryScreen(t *testing.T) {
	var b strings.Builder
	for _, s := range scenes()[:3] {
		d := drive(t, func(p *Deps) { p.Options.NoColor = true })
		s.to(d)
		st := theme.New(theme.Options{NoColor: true})
		fmt.Fprintf(&b, "== %s\n", s.name)
		for _, l := range keys.Table(st, d.m.screen.HelpKeys(), 76) {
			b.WriteString(strings.TrimRight(ansi.Strip(l), " ") + "\n")
		}
	}
	golden.Assert(t, b.String(), "keys.golden")
}

// No key of the lab means two things.
func TestLabKeysAreDistinct(t *testing.T) {
	d := inLab(t, nil)
	seen := map[string]keys.ID{}
	for _, s := range d.m.screen.HelpKeys() {
		for _, b := range s.Keys {
			for _, k := range b.Keys {
				if old, ok := seen[k]; ok {
					t.Errorf("%s is both %s and %s", k, old, b.ID)
				}
				seen[k] = b.ID
			}
		}
	}
}
