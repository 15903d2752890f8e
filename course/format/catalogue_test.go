package format

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"underlay/engine"
	"underlay/labs"
)

// twoLabs has one lab in each place where labs are looked for.
func twoLabs(t *testing.T) fstest.MapFS {
	t.Helper()
	base := sample(t)
	yaml := string(base["x/lab.yaml"].Data)
	return fstest.MapFS{
		"first/lab.yaml":       {Data: []byte(strings.Replace(yaml, "id: sample", "id: first\norder: 2", 1))},
		"first/solve.sh":       base["x/solve.sh"],
		"labs/second/lab.yaml": {Data: []byte(strings.Replace(yaml, "id: sample", "id: second\norder: 1", 1))},
		"labs/second/solve.sh": base["x/solve.sh"],
		"notes/README.md":      {Data: []byte("not a lab")},
	}
}

func idsOf(c *Catalogue) string {
	var out []string
	for _, l := range c.Infos() {
		out = append(out, l.ID)
	}
	return strings.Join(out, " ")
}

// all reads all labs of a catalogue.
func all(t testing.TB, c *Catalogue) []*engine.Lab {
	t.Helper()
	labs, err := c.All()
	if err != nil {
		t.Fatal(err)
	}
	return labs
}

// sameWords says whether two lists have the same words, in whichever order.
func sameWords(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// A lab's folder is that of its module, where it is in one.
func TestModuleFolders(t *testing.T) {
	base := sample(t)
	for path, want := range map[string]string{
		"bridge/x":             "",
		"labs/bridge/x":        "",
		"labs/x":               "",
		"x":                    "",
		"publish/x":            `publish/x/lab.yaml: is in the folder of module "publish", but says module: bridge`,
		"labs/publish/x":       `labs/publish/x/lab.yaml: is in the folder of module "publish", but says module: bridge`,
		"somewhere/bridge/x":   "nothing",
		"labs/some/where/else": "nothing",
	} {
		c, err := Load(fstest.MapFS{path + "/lab.yaml": base["x/lab.yaml"], path + "/solve.sh": base["x/solve.sh"]}, 0)
		switch {
		case want == "nothing":
			if err != nil || idsOf(c) != "" {
				t.Errorf("%s: %q, %v; want nothing", path, idsOf(c), err)
			}
		case want == "":
			if err != nil || idsOf(c) != "sample" {
				t.Errorf("%s: %q, %v; want the lab", path, idsOf(c), err)
			}
		case err == nil || err.Error() != want:
			t.Errorf("%s: %v, want %s", path, err, want)
		}
	}
}

func TestLoadFindsLabsInOrder(t *testing.T) {
	c, err := Load(twoLabs(t), 0)
	if err != nil || idsOf(c) != "second first" {
		t.Errorf("%q, %v; want second before first, by order", idsOf(c), err)
	}
}

func TestModulesComeInOrder(t *testing.T) {
	fsys := fstest.MapFS{}
	base := sample(t)
	for id, module := range map[string]string{"a": "zoo", "b": "publish", "c": "bridge", "d": "attic"} {
		yaml := strings.NewReplacer("id: sample", "id: "+id, "module: bridge", "module: "+module).Replace(string(base["x/lab.yaml"].Data))
		fsys[id+"/lab.yaml"] = &fstest.MapFile{Data: []byte(yaml)}
		fsys[id+"/solve.sh"] = base["x/solve.sh"]
	}
	c, err := Load(fsys, 0)
	if err != nil || idsOf(c) != "d c b a" {
		t.Errorf("%q, %v; want them by module", idsOf(c), err)
	}
	if c.Arrange([]string{"bridge", "publish"}); idsOf(c) != "c b d a" {
		t.Errorf("%q; want the modules as named, then the others by id", idsOf(c))
	}
}

func TestUnknownLab(t *testing.T) {
	c, err := Load(twoLabs(t), 0)
	if err != nil {
		t.Fatal(err)
	}
	for id, hint := range map[string]string{
		"fist":    `did you mean "first"?`,
		"publish": "labs: first, second",
		"":        "labs: first, second",
		"secnd":   `did you mean "second"?`,
	} {
		_, err := c.Lab(id)
		var e *engine.Error
		if !errors.Is(err, engine.ErrNotFound) || !errors.As(err, &e) || e.Hint != hint {
			t.Errorf("Lab(%q): %v, hint %q; want ErrNotFound with the hint %q", id, err, e.Hint, hint)
		}
		if _, err := c.Seeded(id, 3); !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("Seeded(%q): %v, want ErrNotFound", id, err)
		}
	}
}

// write puts a file system's files into a directory.
func write(t *testing.T, dir string, files fstest.MapFS) {
	t.Helper()
	for name, f := range files {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestContentDirs(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, twoLabs(t))
	c, err := Open(labs.Files, 0, dir)
	if err != nil {
		t.Fatal(err)
	}
	built, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Fields(idsOf(c)), append(strings.Fields(idsOf(built)), "first", "second"); !sameWords(got, want) {
		t.Errorf("labs %q, want %q", got, want)
	}
	again := t.TempDir()
	write(t, again, twoLabs(t))
	c, err = Open(labs.Files, 0, dir, again)
	want := again + `/first/lab.yaml: lab id "first" is taken by ` + dir + "/first/lab.yaml; each id names one lab\n" +
		again + `/labs/second/lab.yaml: lab id "second" is taken by ` + dir + "/labs/second/lab.yaml; each id names one lab"
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	if _, err := c.Lab("first"); err != nil {
		t.Errorf("the first of two labs with one id: %v", err)
	}
	var e *engine.Error
	if _, err := Open(labs.Files, 0, filepath.Join(dir, "nowhere")); !errors.Is(err, os.ErrNotExist) || !errors.As(err, &e) {
		t.Errorf("no such folder: %v, want it to say so and a hint", err)
	}
	if _, err := Open(labs.Files, 0, filepath.Join(dir, "first/lab.yaml")); err == nil || !strings.Contains(err.Error(), "is not a directory") {
		t.Errorf("a file: %v", err)
	}
}

func TestContentMayNotReplaceBuiltin(t *testing.T) {
	dir := t.TempDir()
	files := sample(t)
	yaml := strings.Replace(string(files["x/lab.yaml"].Data), "id: sample", "id: docker0", 1)
	write(t, dir, with(files, "x/lab.yaml", yaml))
	_, err := Open(labs.Files, 0, dir)
	want := dir + `/x/lab.yaml: lab id "docker0" is taken by labs/bridge/docker0/lab.yaml; each id names one lab`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// An id that a lab had is no other's, wherever the two labs are.
func TestIDsAreNotUsedAgain(t *testing.T) {
	lab := func(id, formerly string) string {
		return strings.Replace(string(sample(t)["x/lab.yaml"].Data), "id: sample", "id: "+id+"\nformerly: "+formerly, 1)
	}
	built := fstest.MapFS{
		"bridge/by-hand/lab.yaml": {Data: []byte(lab("by-hand", "[docker0, bridge]"))},
		"bridge/by-hand/solve.sh": {Data: []byte("ip link\n")},
	}
	const never = "; an id is never reused, because progress is kept by it"
	for name, test := range map[string]struct{ id, formerly, want string }{
		"new":              {"own", "[owned, possessed]", ""},
		"what another was": {"docker0", "[]", `:1:5: lab id "docker0" belonged to labs/bridge/by-hand/lab.yaml` + never},
		"what another is":  {"own", "[owned, by-hand]", `:2:19: formerly has "by-hand", which is the id of labs/bridge/by-hand/lab.yaml` + never},
		"what another was, too": {"own", "[bridge]",
			`:2:12: formerly has "bridge", and so has labs/bridge/by-hand/lab.yaml; progress can follow to one place only`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, with(sample(t), "x/lab.yaml", lab(test.id, test.formerly)))
			c, err := Open(built, 0, dir)
			if test.want == "" {
				if err != nil || idsOf(c) != "by-hand own" {
					t.Errorf("%q, %v", idsOf(c), err)
				}
				_, err := c.Lab("possessed")
				var e *engine.Error
				if !errors.Is(err, engine.ErrNotFound) || !errors.As(err, &e) || e.Hint != `it is now called "own"` {
					t.Errorf("its old id: %v", err)
				}
				return
			}
			if want := dir + "/x/lab.yaml" + test.want; err == nil || err.Error() != want || idsOf(c) != "by-hand" {
				t.Errorf("%q, %v; want %s", idsOf(c), err, want)
			}
		})
	}
}

func TestWrongLabsDoNotHideRightOnes(t *testing.T) {
	files := twoLabs(t)
	files["first/lab.yaml"] = &fstest.MapFile{Data: []byte("id: first\n")}
	c, err := Load(files, 0)
	var problems Problems
	if !errors.As(err, &problems) || idsOf(c) != "second" {
		t.Errorf("labs %q, %v", idsOf(c), err)
	}
}

// withParams is a lab with parameters of each kind of use.
func withParams(t *testing.T) fstest.MapFS {
	t.Helper()
	base := sample(t)
	yaml := strings.NewReplacer(
		"minutes: 5", "minutes: 5\nparams: {net: [10.0.0, 10.1.1, 10.2.2], port: [8080, 9090, 7070, 6060]}",
		"10.0.0.1/24", `"${net}.1/24"`, "10.0.0.2/24", `"${net}.2/24"`, "to: 10.0.0.2", `to: "${net}.2"`,
		`":80"`, `":${port}"`, "proto: icmp", `proto: tcp, port: "${port}"`, "a pings b.", "a calls port ${port} of b.",
	).Replace(string(base["x/lab.yaml"].Data))
	return with(with(base, "x/lab.yaml", yaml), "x/solve.sh", "ping ${net}.2; echo ${port} $port ${HOME}\n")
}

func TestSeeds(t *testing.T) {
	fsys := withParams(t)
	lab := func(seed int64) *engine.Lab {
		c, err := Load(fsys, seed)
		if err != nil {
			t.Fatal(err)
		}
		return all(t, c)[0]
	}
	canonical := lab(0)
	if got, want := canonical.Solution.Text, "ping 10.0.0.2; echo 8080 $port ${HOME}\n"; got != want {
		t.Errorf("script of seed 0: %q, want %q", got, want)
	}
	tr := canonical.Tasks[0].Checks[0].Traffic
	if tr.Port != 8080 || tr.To != "10.0.0.2" || canonical.Tasks[0].Goal != "a calls port 8080 of b." || canonical.Topology.Workloads[0].Listen != ":8080" {
		t.Errorf("seed 0 does not take the first values: %+v", tr)
	}
	seen := map[string]bool{}
	for seed := int64(1); seed <= 200; seed++ {
		l := lab(seed)
		if l.Seed != seed || !reflect.DeepEqual(l, lab(seed)) {
			t.Fatalf("seed %d is not deterministic", seed)
		}
		seen[l.Solution.Text] = true
	}
	if len(seen) != 12 {
		t.Errorf("200 seeds drew %d of 12 combinations", len(seen))
	}
	if lab(-1).Seed != -1 {
		t.Error("a negative seed is not kept")
	}
}

func TestSeeded(t *testing.T) {
	fsys := withParams(t)
	c, err := Load(fsys, 0)
	if err != nil {
		t.Fatal(err)
	}
	rolled, err := c.Seeded("sample", 7)
	if err != nil {
		t.Fatal(err)
	}
	direct, err := Load(fsys, 7)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(rolled, all(t, direct)[0]) {
		t.Error("Seeded draws other values than Load with the same seed")
	}
	if same, _ := c.Seeded("sample", 0); same != all(t, c)[0] {
		t.Error("Seeded with the catalogue's own seed is another lab")
	}
}
