// Command demo shows the screens without a lab: a made-up lab whose shells are
// ordinary ones of this machine, in a folder of their own. Its tasks are done
// by creating the files 1 to 5 there. It is for looking at the design, and is
// no part of the program.
//
//	go run ./tui/internal/demo [-light] [-ascii] [-contrast] [-lab] [-fail]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"underlay/course"
	"underlay/course/format"
	"underlay/course/lesson"
	"underlay/engine"
	"underlay/tui"
	"underlay/tui/internal/fake"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run() (err error) {
	var o tui.Options
	light := flag.Bool("light", false, "light theme")
	dark := flag.Bool("dark", false, "dark theme")
	lab := flag.Bool("lab", false, "go straight to the lab")
	fail := flag.Bool("fail", false, "let the lab fail to open")
	delay := flag.Duration("delay", 300*time.Millisecond, "time that each step of opening takes")
	flag.BoolVar(&o.ASCII, "ascii", false, "ASCII only")
	flag.BoolVar(&o.NoColor, "nocolor", os.Getenv("NO_COLOR") != "", "no colour")
	flag.BoolVar(&o.HighContrast, "contrast", false, "high contrast")
	flag.Parse()
	if *light {
		o.Theme = "light"
	} else if *dark {
		o.Theme = "dark"
	}
	dir, err := os.MkdirTemp("", "underlay-demo")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	book, err := lesson.Builtin()
	if err != nil {
		return err
	}
	made := madeUp(book)
	d := tui.Deps{
		Book: book, Labs: made.infos(), Lab: made.lab, Predictions: predictions,
		Opener: opener(dir, *delay, *fail), Available: available, Options: o,
	}
	if *lab {
		d.Start.Lab = fake.Lab()
	}
	return tui.Run(context.Background(), d)
}

// predictions are about the real labs, which have the nodes that they speak of.
func predictions(l *lesson.Lesson) ([]*engine.Prediction, error) {
	catalogue, err := format.Builtin()
	if err != nil {
		return nil, err
	}
	lab, err := catalogue.Lab(l.Lab)
	if err != nil {
		return nil, err
	}
	return course.Predictions(l, lab)
}

// set is the labs that were made up.
type set []*engine.Lab

func (s set) lab(id string) (*engine.Lab, error) {
	for _, lab := range s {
		if lab.ID == id {
			return lab, nil
		}
	}
	return nil, engine.ErrNotFound
}

func (s set) infos() (out []*engine.LabInfo) {
	for _, lab := range s {
		out = append(out, lab.Info())
	}
	return out
}

func madeUp(book *lesson.Book) set {
	out := set{fake.Lab()}
	for _, l := range book.Lessons() {
		if l.Lab != "" && l.Lab != "docker0" {
			lab := fake.Lab()
			lab.ID, lab.Title, lab.Module = l.Lab, "Lab: "+l.Title, l.Module
			if lab.ID == "egress-nat" {
				lab.Requires = []string{"conntrack"}
			}
			out = append(out, lab)
		}
	}
	return out
}

func available(requires []string) (reason, remedy string) {
	if slices.Contains(requires, "conntrack") {
		return "this kernel has no connection tracking", "load it with: modprobe nf_conntrack"
	}
	return "", ""
}

func opener(dir string, delay time.Duration, fail bool) *fake.Opener {
	s := fake.NewSession(fake.Lab())
	s.Open = func(node string, size engine.Size) (engine.Terminal, error) { return fake.NewBash(node, dir, size) }
	s.Evaluate = func() engine.Status {
		n := 0
		for n < 5 {
			if _, err := os.Stat(filepath.Join(dir, fmt.Sprint(n+1))); err != nil {
				break
			}
			n++
		}
		st := fake.Status(s.TheLab, n)
		if n == 2 {
			st.Tasks[2].Says = "A bridge is down until someone says otherwise: `ip link set docker0 up`. Its ports have a switch of their own."
			st.Tasks[2].Misconception = "no-up"
		}
		if n == 4 {
			st.Collateral = []engine.TaskResult{{Goal: "The host still reaches the internet", Result: engine.Result{
				State: engine.Fail, Want: "host reaches 198.51.100.7", Got: "no route to host"}}}
		}
		return st
	}
	o := &fake.Opener{Session: s, Delay: delay, Steps: []string{"Making the lab's own world", "Plugging in the cables", "Starting the servers", "Looking at it for the first time"}}
	if fail {
		o.Err = engine.Hintf(errors.New("the kernel does not let ordinary users make a world of their own"), "run it with sudo, or see underlay doctor for the setting to change")
	}
	return o
}
