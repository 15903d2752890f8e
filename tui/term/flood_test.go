package term

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"underlay/engine"
)

// TestFloodStops measures how long a flood goes on after Ctrl-C, from the key
// to the prompt on the screen.
func TestFloodStops(t *testing.T) {
	if testing.Short() {
		t.Skip("it measures time, and the race detector makes the emulator some thirty times slower")
	}
	for _, size := range []engine.Size{std, {Cols: 200, Rows: 60}} {
		for _, flood := range []string{"yes", "cat /dev/urandom | base64", "cat /dev/urandom | base64 -w0", "yes $'\\e[31mred\\e[m \\e[44mon blue\\e[m'", "while :; do echo y; done"} {
			t.Run(fmt.Sprintf("%d/%s", size.Cols, flood), func(t *testing.T) {
				p := bash(t, size)
				for i := range 3 {
					typeIn(t, p, flood+"\r")
					await(t, p, "a flood", func() bool { _, total := p.Scrolled(); return total >= 1000 })
					began := time.Now()
					press(t, p, 'c', tea.ModCtrl)
					await(t, p, "a prompt", func() bool { return strings.HasSuffix(strings.TrimRight(p.Text(), "\n"), "$") })
					took := time.Since(began)
					t.Logf("stopped after %v", took)
					if took > time.Second {
						t.Errorf("%s went on for %v after Ctrl-C", flood, took)
					}
					typeIn(t, p, fmt.Sprintf("printf '\\e[3J'; clear; echo next $((%d+1))\r", i))
					awaitText(t, p, fmt.Sprintf("next %d\n", i+1))
				}
			})
		}
	}
}

// TestEchoUnderFlood measures from a key to its answer while a program beside the
// one that answers floods the terminal. View is called for every frame, as a
// user interface would.
func TestEchoUnderFlood(t *testing.T) {
	if testing.Short() {
		t.Skip("it measures time, and the race detector makes the emulator some thirty times slower")
	}
	for _, size := range []engine.Size{std, {Cols: 200, Rows: 60}} {
		for _, flood := range []string{"yes", "base64 /dev/urandom"} {
			p := start(t, size, "bash", "--norc", "-c",
				"stty -echo -icanon min 1; "+flood+` & while IFS= read -rsn1 c; do printf '\e]2;%s\a' "$c"; done; wait`)
			await(t, p, "a flood", func() bool { _, total := p.Scrolled(); return total >= 1000 })
			var took []time.Duration
			for i := range 100 {
				key := string(rune('a' + i%26))
				began := time.Now()
				typeIn(t, p, key)
				await(t, p, "the echo of "+key, func() bool { p.View(); return p.Title() == key })
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			t.Logf("%v %s: key to echo p50 %v, p99 %v", size, flood, took[50], took[98])
			if took[98] > time.Second {
				t.Errorf("%s: p99 is %v", flood, took[98])
			}
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestEcho measures from a key to its echo at a quiet prompt.
func TestEcho(t *testing.T) {
	p := bash(t, std)
	var took []time.Duration
	line := "$ "
	for i := range 60 {
		key := string(rune('a' + i%26))
		line += key
		began := time.Now()
		typeIn(t, p, key)
		await(t, p, "the echo of "+key, func() bool { return strings.HasPrefix(p.Text(), line) })
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	t.Logf("key to echo p50 %v, p99 %v", took[30], took[58])
	if took[58] > time.Second {
		t.Errorf("p99 is %v", took[58])
	}
}

func benchmarkParse(b *testing.B, size engine.Size, unit string) {
	s := testScreen(b, size.Cols, size.Rows, Options{})
	data := strings.Repeat(unit, 1+readMax/len(unit))[:readMax]
	b.SetBytes(readMax)
	for b.Loop() {
		s.feed(data)
	}
}

func BenchmarkParse(b *testing.B) {
	line := strings.Repeat("some words ", 7)
	var coloured strings.Builder
	for i, word := range strings.Fields(line) {
		fmt.Fprintf(&coloured, "\x1b[%dm%s\x1b[0m ", 31+i%7, word)
	}
	for _, size := range []engine.Size{std, {Cols: 200, Rows: 60}} {
		for name, unit := range map[string]string{
			"yes": "y\r\n", "plain": line + "\r\n", "coloured": coloured.String() + "\r\n",
			"background": "\x1b[44m" + line + "\x1b[m\r\n", "unicode": strings.Repeat("é漢 ", 15) + "\r\n",
			"full screen": "\x1b[5;10Hstatus \x1b[7m42\x1b[27m\x1b[K",
		} {
			b.Run(fmt.Sprintf("%s/%dx%d", name, size.Cols, size.Rows), func(b *testing.B) { benchmarkParse(b, size, unit) })
		}
	}
}

func BenchmarkView(b *testing.B) {
	s := testScreen(b, 200, 60, Options{})
	for i := range 60 {
		s.feed(fmt.Sprintf("\r\n\x1b[3%dm%s\x1b[m %s", i%8, strings.Repeat("colour", 10), strings.Repeat("plain 漢 ", 15)))
	}
	b.ReportAllocs()
	for b.Loop() {
		s.render()
	}
}
