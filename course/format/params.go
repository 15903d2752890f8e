package format

import (
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"regexp"
	"slices"
	"sync"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// params are the values that each parameter of a lab may take. The first is
// the canonical one.
type params map[string][]string

var (
	paramName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z][a-z0-9_]*$`) })
	paramUse  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\$\{([^{}]*)\}`) })
)

// readParams reads the params field on its own, because every other field may
// use them.
func (d *decoder) readParams(root *ast.MappingNode) params {
	out := params{}
	i := slices.IndexFunc(root.Values, func(kv *ast.MappingValueNode) bool { return kv.Key.GetToken().Value == "params" })
	if i < 0 {
		return out
	}
	m, ok := root.Values[i].Value.(*ast.MappingNode)
	if !ok {
		d.wrongType(root.Values[i].Value, rule{name: "params"}, "a map from names to lists of values")
		return out
	}
	seen := map[string]bool{}
	for _, kv := range m.Values {
		name, ok := d.key(kv, seen)
		if !ok {
			continue
		}
		if !paramName().MatchString(name) {
			d.errorf(start(kv.Key), "parameter %q must be lower-case letters, digits and _, beginning with a letter", name)
		}
		out[name] = d.paramValues(name, kv.Value)
	}
	return out
}

func (d *decoder) paramValues(name string, n ast.Node) []string {
	s, ok := n.(*ast.SequenceNode)
	if !ok || len(s.Values) == 0 {
		d.errorf(start(n), "parameter %s must be a list of at least one value, such as [8080, 9090]", name)
		return []string{""}
	}
	var out []string
	for _, item := range s.Values {
		text, _ := textOf(item)
		if text == "" || paramUse().MatchString(text) {
			d.errorf(start(item), "a value of %s must be text or a number, without ${…}", name)
		}
		out = append(out, text)
	}
	return out
}

// draw chooses a value for each parameter: the first for seed 0, else one that
// depends on nothing but the seed, the lab and the parameter's name.
func (p params) draw(lab string, seed int64) map[string]string {
	out := make(map[string]string, len(p))
	for name, values := range p {
		out[name] = values[0]
		if seed != 0 {
			out[name] = values[hash(fmt.Sprintf("%d/%s/%s", seed, lab, name))%uint64(len(values))]
		}
	}
	return out
}

// hash spreads a text over 64 bits. FNV alone is weak in its low bits for texts
// that differ little.
func hash(text string) uint64 {
	h := fnv.New64a()
	io.WriteString(h, text) //nolint:errcheck // a hash takes everything
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	return x ^ x>>33
}

// substituted replaces each ${name} by its drawn value. A name that is not a
// parameter is a problem, and known is false.
func (d *decoder) substituted(s string, at *token.Position) (out string, known bool) {
	known = true
	out = paramUse().ReplaceAllStringFunc(s, func(use string) string {
		name := use[2 : len(use)-1]
		value, ok := d.drawn[name]
		if !ok {
			known = false
			names := slices.Collect(maps.Keys(d.drawn))
			d.errorf(at, "unknown parameter %s; params here: %s (write a shell variable as $name)%s", use, listed(names), meant(name, names))
			return use
		}
		return value
	})
	return out, known
}
