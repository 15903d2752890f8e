package format

import (
	"reflect"
	"slices"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// labFile is the file of a lab's folder that describes it.
const labFile = "lab.yaml"

// decode fills out from the text of a lab.yaml; out.Seed says how parameters
// are drawn. What is wrong with the lab is in the decoder's problems; the
// returned problem is one that stops the reading.
func decode(name, text string, out *file) (*decoder, *Problem) {
	root, problem := parseYAML(name, text, "a lab needs at least id, title, module, summary, minutes, nodes and tasks")
	if problem != nil {
		return nil, problem
	}
	d := &decoder{name: name, where: map[any]*token.Position{}}
	d.drawn = d.readParams(root).draw(rawID(root), out.Seed)
	out.Params = d.drawn
	d.value(root, reflect.ValueOf(out).Elem(), rule{name: "the lab"})
	d.cluster(&out.Lab)
	(&validator{decoder: d, lab: &out.Lab}).check()
	return d, nil
}

// rawID returns the id as it is written, so that a draw can depend on it.
func rawID(root *ast.MappingNode) string {
	i := slices.IndexFunc(root.Values, func(kv *ast.MappingValueNode) bool { return kv.Key.GetToken().Value == "id" })
	if i < 0 {
		return ""
	}
	id, _ := textOf(root.Values[i].Value)
	return id
}
