package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"

	"underlay/course"
)

// manyLabs is how many labs a large course has.
const manyLabs = 100

// startUp measures from exec to the first frame, with the labs that are built in and with
// many, and from exec to the end of a command that needs none of them.
func startUp(ctx context.Context, c Config) (figures []Figure, err error) {
	figures, err = firstFrame(ctx, c, "start to first frame")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "underlay-bench")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := multiply(dir, course.Builtin(), manyLabs); err != nil {
		return nil, err
	}
	many, err := firstFrame(ctx, c, fmt.Sprintf("start to first frame, %d labs", manyLabs), "--builtin", dir)
	if err != nil {
		return nil, err
	}
	version, err := versions(ctx, c)
	return append(append(figures, many...), version...), err
}

func firstFrame(ctx context.Context, c Config, name string, args ...string) ([]Figure, error) {
	var samples []float64
	for range 21 {
		begin := time.Now()
		p, err := sit(ctx, c, args...)
		if err != nil {
			return nil, err
		}
		at, err := p.until("the first frame", func(b []byte) bool { return bytes.Contains(b, []byte("nderlay")) })
		if err = errors.Join(err, p.leave()); err != nil {
			return nil, err
		}
		samples = append(samples, ms(at.Sub(begin)))
	}
	return []Figure{figure(name, "ms", samples, limit{p50: 60})}, nil
}

// versions measures what every process of this binary costs before it does anything: the
// servers and the init of a lab pay it, too.
func versions(ctx context.Context, c Config) ([]Figure, error) {
	var samples []float64
	for range 51 {
		begin := time.Now()
		if err := exec.CommandContext(ctx, c.Binary, "version").Run(); err != nil {
			return nil, err
		}
		samples = append(samples, ms(time.Since(begin)))
	}
	return []Figure{figure("underlay version", "ms", samples, limit{p50: 15})}, nil
}

// multiply writes n labs with their lessons into a directory, as they could be built in:
// the built-in ones over and over, each time with ids of their own.
func multiply(dir string, from course.Content, n int) error {
	c, err := from.Open(0)
	if err != nil {
		return err
	}
	infos := c.Labs.Infos()
	for i := range n {
		lab := infos[i%len(infos)]
		round := i / len(infos)
		id := fmt.Sprintf("%s-%d", lab.ID, round+1)
		err := copyLab(from.Labs, path.Join(lab.Module, lab.ID), filepath.Join(dir, "labs", lab.Module, id), strings.NewReplacer("id: "+lab.ID+"\n", "id: "+id+"\n"))
		if err != nil {
			return err
		}
		l := c.Book.ForLab(lab.ID)
		if l == nil {
			return fmt.Errorf("lab %s has no lesson", lab.ID)
		}
		words := strings.NewReplacer("id: "+l.ID+"\n", "id: "+id+"\n", "lab: "+lab.ID+"\n", "lab: "+id+"\n")
		name := fmt.Sprintf("%d-%s.md", l.Number+round*len(infos), id)
		if err := copyFile(from.Lessons, l.File, filepath.Join(dir, "lessons", l.Module, name), words); err != nil {
			return err
		}
		if err := copyFile(from.Lessons, l.Module+"/module.yaml", filepath.Join(dir, "lessons", l.Module, "module.yaml"), strings.NewReplacer()); err != nil {
			return err
		}
	}
	return nil
}

// copyLab copies a lab's folder; its lab.yaml with other words.
func copyLab(from fs.FS, dir, to string, words *strings.Replacer) error {
	return fs.WalkDir(from, dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		own := strings.NewReplacer()
		if path.Base(file) == "lab.yaml" {
			own = words
		}
		return copyFile(from, file, filepath.Join(to, strings.TrimPrefix(file, dir)), own)
	})
}

func copyFile(from fs.FS, file, to string, words *strings.Replacer) error {
	text, err := fs.ReadFile(from, file)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, []byte(words.Replace(string(text))), 0o644)
}
