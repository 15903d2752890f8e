package scaffold

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"underlay/author/draft"
	"underlay/engine"
)

func files(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			out = append(out, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestNew(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "there")
	paths, err := New(Options{Dir: dir, ID: "two-routers", Title: "Two routers: a way", Module: "own"}, []byte("{}\n"))
	if err != nil {
		t.Fatal(err)
	}
	got := files(t, dir)
	for i := range paths {
		paths[i] = strings.TrimPrefix(paths[i], dir+"/")
	}
	slices.Sort(paths)
	if slices.Sort(got); !slices.Equal(got, paths) {
		t.Errorf("written %v, told %v", got, paths)
	}
	for _, f := range got {
		b, err := os.ReadFile(filepath.Join(dir, f))
		if err != nil {
			t.Fatal(err)
		}
		for _, left := range []string{"LAB_ID", "LAB_TITLE", "MODULE_ID", "SCHEMA_PATH"} {
			if strings.Contains(string(b), left) {
				t.Errorf("%s still has %s", f, left)
			}
		}
	}
	c, err := draft.Read([]string{dir})
	if err != nil || len(c.Problems) > 0 {
		t.Fatal(err, c.Problems)
	}
	lab, err := c.Labs.Lab("two-routers")
	if err != nil || lab.Title != "Two routers: a way" || lab.Module != "own" {
		t.Errorf("lab %+v, %v", lab, err)
	}
	l := c.Lesson("two-routers")
	if l == nil || l.Title != "Two routers: a way" || l.Lab != "two-routers" || l.Outline()[0].Text != "Two routers: a way" {
		t.Errorf("lesson %+v", l)
	}
	if _, err := os.Stat(filepath.Join(dir, "labs/own/two-routers", "../../../"+SchemaFile)); err != nil {
		t.Errorf("the schema is not where lab.yaml looks for it: %v", err)
	}
}

func TestNewBesideOthers(t *testing.T) {
	dir := t.TempDir()
	for i, id := range []string{"one", "two", "three"} {
		if _, err := New(Options{Dir: dir, ID: id, Module: "own"}, nil); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			if err := os.WriteFile(filepath.Join(dir, "lessons/own/module.yaml"), []byte("id: own\ntitle: Mine\norder: 7\nsummary: S.\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	c, err := draft.Read([]string{dir})
	if err != nil || len(c.Problems) > 0 {
		t.Fatal(err, c.Problems)
	}
	var order []string
	for _, l := range c.Book.Lessons() {
		order = append(order, l.ID)
	}
	if !slices.Equal(order, []string{"one", "two", "three"}) || c.Book.Modules()[0].Title != "Mine" {
		t.Errorf("lessons %v in module %q", order, c.Book.Modules()[0].Title)
	}
}

func TestNewOverwritesNothing(t *testing.T) {
	dir := t.TempDir()
	mine := filepath.Join(dir, "labs/own/x/mistakes/no-forward.sh")
	if err := os.MkdirAll(filepath.Dir(mine), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(mine, []byte("mine\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := New(Options{Dir: dir, ID: "x", Module: "own"}, nil)
	if !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), mine) {
		t.Errorf("%v, want it to name %s", err, mine)
	}
	if got := files(t, dir); !slices.Equal(got, []string{"labs/own/x/mistakes/no-forward.sh"}) {
		t.Errorf("written although something was in the way: %v", got)
	}
	if b, err := os.ReadFile(mine); err != nil || string(b) != "mine\n" {
		t.Errorf("overwritten: %q, %v", b, err)
	}
}

func TestNewRefusesNames(t *testing.T) {
	for name, o := range map[string]Options{
		"empty":          {ID: "", Module: "own"},
		"capitals":       {ID: "Two", Module: "own"},
		"a path":         {ID: "../x", Module: "own"},
		"a hyphen first": {ID: "-x", Module: "own"},
		"a hyphen last":  {ID: "x-", Module: "own"},
		"too long":       {ID: strings.Repeat("x", 41), Module: "own"},
		"a bad module":   {ID: "x", Module: "a/b"},
		"a taken id":     {ID: "docker0", Module: "own", Taken: []string{"docker0"}},
		"a quoted title": {ID: "x", Module: "own", Title: `say "x"`},
		"a second line":  {ID: "x", Module: "own", Title: "a\nb"},
		"a back-quote":   {ID: "x", Module: "own", Title: "`ls`"},
		"a parameter":    {ID: "x", Module: "own", Title: "${net}"},
	} {
		t.Run(name, func(t *testing.T) {
			o.Dir = t.TempDir()
			_, err := New(o, nil)
			var hinted *engine.Error
			if !errors.Is(err, ErrBadName) || !errors.As(err, &hinted) {
				t.Errorf("%v, want ErrBadName with a hint", err)
			}
			if got := files(t, o.Dir); len(got) > 0 {
				t.Errorf("written: %v", got)
			}
		})
	}
}
