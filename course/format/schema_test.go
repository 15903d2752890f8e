package format

import (
	"encoding/json"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"underlay/labs"
)

// compiled is the schema as an independent validator understands it.
func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := json.Marshal(LabSchema())
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("lab.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("lab.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// judge validates a lab.yaml. A file that is not YAML is refused before the
// schema sees it.
func judge(s *jsonschema.Schema, text []byte) error {
	var v any
	if err := yaml.Unmarshal(text, &v); err != nil {
		return err
	}
	asJSON, err := json.Marshal(v)
	if err != nil {
		return err
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(asJSON)))
	if err != nil {
		return err
	}
	return s.Validate(doc)
}

func TestSchemaAcceptsEveryLab(t *testing.T) {
	s := compiled(t)
	n := 0
	for root, fsys := range map[string]fs.FS{".": labs.Files, "testdata/good": os.DirFS("testdata/good")} {
		files, err := Find(fsys)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			text, err := fs.ReadFile(fsys, f)
			if err != nil {
				t.Fatal(err)
			}
			n++
			if err := judge(s, text); err != nil {
				t.Errorf("%s/%s: %v", root, f, err)
			}
		}
	}
	if n < 5 {
		t.Errorf("only %d labs were judged", n)
	}
}

// beyondSchema are the bad labs whose fault a schema cannot express: names that
// are looked up, things that are compared with each other, and what YAML itself
// forgives. Every other one must be refused.
var beyondSchema = []string{
	"address-twice-l2", "address-twice-node", "ifname-twice", "listen-twice", "misconception-twice", "node-twice", "task-twice",
	"after-unknown", "bridge-missing", "check-node", "link-node", "macref", "param-unknown", "served",
	"cycle", "cycle-self",
	"match", // whether it is a regular expression
	"device-parent", "device-requires", "duplicate",
	"ifname-reserved",     // a reserved name is one of these only on an interface that is made
	"path", "peer-master", // one field that needs another
	"port-needed", "port-unwanted", "seen-as-refused", "workload-records",
	"fault-cause", "fault-check", "fault-one", "fault-random", "fault-twice", // faults are compared, and looked up
	"formerly-task", "formerly-fault", // ids are compared
	"no-shell", // some node must have one
	"route",    // arithmetic with addresses
	"spread-capture", "spread-each", "spread-expect", "spread-few", "spread-icmp", "spread-served", "spread-unknown",
	"anchor", "merge", "tag", "two-documents", // gone once YAML is read
}

func TestSchemaRefusesBadLabs(t *testing.T) {
	s := compiled(t)
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) < 50 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(f), ".yaml")
		refused := judge(s, text) != nil
		switch beyond := slices.Contains(beyondSchema, name); {
		case !refused && !beyond:
			t.Errorf("%s: the schema accepts it", name)
		case refused && beyond:
			t.Errorf("%s: the schema refuses it; take it off the list of what it cannot", name)
		}
	}
	for _, name := range beyondSchema {
		if !slices.Contains(files, "testdata/bad/"+name+".yaml") {
			t.Errorf("%s: no such bad lab", name)
		}
	}
}

// shapeSamples are texts that some shape accepts.
var shapeSamples = []string{
	"docker0", "c1", "a-b", "eth0", "10.0.0.1", "10.0.0.1/24", "fd00::1", "fd00::1/64", "::ffff:10.0.0.1", "default", "none",
	"02:00:00:00:00:01", "c1/eth0", ":80", "127.0.0.1:80", "[::1]:8080", "net.ipv4.ip_forward", "mac:c1/eth0", "ifindex:a/b",
	"www.example.com.", "_x", ".", "ndots:5", "rotate",
}

// TestSchemaRefusesNoGoodText changes texts at random: what the loader takes,
// the schema must take.
func TestSchemaRefusesNoGoodText(t *testing.T) {
	shapes := []string{"id", "nodename", "ifname", "sysctl", "addr", "cidr", "prefix", "dest", "via", "target", "domain", "dnsoption", "mac", "macref", "listen", "answer"}
	s := map[string]*jsonschema.Schema{}
	for _, shape := range shapes {
		pattern, most := shapePattern(shape)
		doc := map[string]any{"pattern": pattern}
		if most > 0 {
			doc["maxLength"] = most
		}
		c := jsonschema.NewCompiler()
		if err := c.AddResource("shape.json", doc); err != nil {
			t.Fatal(err)
		}
		var err error
		if s[shape], err = c.Compile("shape.json"); err != nil {
			t.Fatal(err)
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	good := 0
	for range 100_000 {
		text := mutate(rng, shapeSamples[rng.IntN(len(shapeSamples))])
		for _, shape := range shapes {
			if checkShape(shape, text) != "" {
				continue
			}
			good++
			if err := s[shape].Validate(text); err != nil {
				t.Fatalf("%s %q: the loader takes it, the schema does not: %v", shape, text, err)
			}
		}
	}
	if good < 10_000 {
		t.Errorf("only %d good texts were made", good)
	}
}

func mutate(rng *rand.Rand, s string) string {
	const alphabet = "abcz019./:-_% [A"
	for range rng.IntN(3) {
		i := rng.IntN(len(s) + 1)
		c := string(alphabet[rng.IntN(len(alphabet))])
		switch rng.IntN(3) {
		case 0:
			s = s[:i] + c + s[i:]
		case 1:
			s = s[:i] + s[min(len(s), i+1):]
		default:
			s = s[:i] + c + s[min(len(s), i+1):]
		}
	}
	return s
}

// TestSchemaTellsWhatFieldsMean makes sure that editors have something to show
// for whatever the format has, and that no comment is about Go.
func TestSchemaTellsWhatFieldsMean(t *testing.T) {
	s := LabSchema()
	for name, d := range s.Definitions {
		if d.Description == "" {
			t.Errorf("%s has no description", name)
		}
	}
	for field, want := range map[string]string{"minutes": "first-time learner", "params": "seed 0", "requires": "preflight"} {
		if got := s.Properties[field].Description; !strings.Contains(got, want) {
			t.Errorf("%s is described as %q", field, got)
		}
	}
}
