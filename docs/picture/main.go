// Command picture makes docs/screen.svg, the picture in the README. It runs the
// real program on a terminal of its own, does most of a lab as a learner would,
// with one step forgotten, and draws the screen that comes of it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"
)

// Size of the terminal in cells.
const (
	columns = 110
	rows    = 35
)

// patience is how long each condition is waited for.
const patience = 30 * time.Second

// preparation is most of the solution of the lab docker0. c2's cable is never
// plugged into the bridge: that is the open task in the picture.
var preparation = []string{
	"ip link add docker0 type bridge",
	"ip addr add 172.17.0.1/16 dev docker0",
	"ip link set docker0 up",
	"ip link add vc1 type veth peer name eth0 netns c1",
	"ip link set vc1 master docker0",
	"ip link set vc1 up",
	"ip netns exec c1 ip addr add 172.17.0.2/16 dev eth0",
	"ip netns exec c1 ip link set eth0 up",
	// The kernel says so a moment later.
	"until ip -br link show docker0 | grep -q ' UP '; do :; done",
}

// shown is what stays on the screen.
var shown = []string{
	"ip link add vc2 type veth peer name eth0 netns c2",
	"ip link set vc2 up",
	"ip -n c2 addr add 172.17.0.3/16 dev eth0",
	"ip -n c2 link set eth0 up",
	"bridge -c link",
	"ip -c -br -4 addr",
	"curl -s 172.17.0.2 | head -1",
	"curl -sm1 172.17.0.3 || echo no answer",
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("picture: ")
	bin := flag.String("bin", "bin/underlay", "the program")
	out := flag.String("o", "docs/screen.svg", "the picture")
	text := flag.Bool("text", false, "also print the screen's text")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *bin, *out, *text); err != nil {
		log.Fatal(err) //nolint:gocritic // the signal handler needs no undoing
	}
}

func run(ctx context.Context, bin, out string, text bool) (err error) {
	state, err := os.MkdirTemp("", "underlay-picture")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(state)) }()
	s, err := open(bin, "--state", state, "--theme", "dark", "lab", "docker0")
	if err != nil {
		return fmt.Errorf("start %s: %w", bin, err)
	}
	defer s.close()
	if err := play(ctx, s); err != nil {
		return err
	}
	if text {
		fmt.Println(s.text())
	}
	return os.WriteFile(out, s.draw(), 0o644)
}

// play brings the lab to the state that the picture shows.
func play(ctx context.Context, s *screen) error {
	if err := s.until(ctx, "the first prompt", func() bool { return s.atPrompt() }); err != nil {
		return err
	}
	for _, line := range preparation {
		if err := s.command(ctx, line); err != nil {
			return err
		}
	}
	if err := s.command(ctx, "clear"); err != nil {
		return err
	}
	for _, line := range shown {
		if err := s.command(ctx, line); err != nil {
			return err
		}
	}
	// A task that was just done is lit up for a while, with other gaps.
	return s.until(ctx, "two tasks done and the verdict on another", func() bool {
		return containsAll(s.text(), "2 of 5", " ✓  host has", " ✓  docker0 has", "want ", "got ", "A common trap")
	})
}

func containsAll(text string, parts ...string) bool {
	return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(text, part) })
}
