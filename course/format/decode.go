package format

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"underlay/engine"
)

// file is what the top of a lab.yaml holds.
type file struct {
	Declared   params `yaml:"params"`
	engine.Lab `yaml:",inline"`
}

// decoder fills a file from YAML, notes where everything was, and collects
// what is wrong instead of stopping at it.
type decoder struct {
	name     string // of the file, for problems
	drawn    map[string]string
	where    map[any]*token.Position // pointer to a decoded value → its place
	nodes    []reference             // every mention of a node
	problems Problems
}

// reference is a mention of a node, to be looked up once all nodes are known.
type reference struct {
	node string
	at   *token.Position
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	sysctlsType  = reflect.TypeFor[[]engine.Sysctl]()
	paramsType   = reflect.TypeFor[params]()
	checkType    = reflect.TypeFor[engine.Check]()
	headersType  = reflect.TypeFor[engine.Headers]()
	nodeType     = reflect.TypeFor[engine.Node]()
)

// checkComment is the one field of a check that asserts nothing.
const checkComment = "because"

func (d *decoder) errorf(at *token.Position, format string, args ...any) {
	p := Problem{File: d.name, What: fmt.Sprintf(format, args...)}
	if at != nil {
		p.Line, p.Col = at.Line, at.Column
	}
	d.problems = append(d.problems, p)
}

// value decodes n into v, which is addressable. It reports whether n was of a
// type that v can hold.
func (d *decoder) value(n ast.Node, v reflect.Value, r rule) bool {
	d.where[v.Addr().Interface()] = start(n)
	if refused := unwanted(n); refused != "" {
		d.errorf(start(n), "%s", refused)
		return false
	}
	switch {
	case v.Type() == paramsType: // read before everything else
		return true
	case v.Type() == durationType:
		return d.duration(n, v, r)
	case v.Type() == sysctlsType:
		return d.sysctls(n, v, r)
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return d.value(n, v.Elem(), r)
	case reflect.Struct:
		return d.structure(n, v, r)
	case reflect.Slice:
		return d.list(n, v, r)
	case reflect.Map:
		return d.table(n, v, r)
	case reflect.String:
		return d.text(n, v, r)
	case reflect.Int:
		return d.number(n, v, r)
	case reflect.Bool:
		return d.boolean(n, v, r)
	}
	panic("labs: no decoding for " + v.Type().String())
}

// unwanted names the YAML feature that n uses and lab files do not have.
func unwanted(n ast.Node) string {
	switch n.(type) {
	case *ast.AnchorNode, *ast.AliasNode:
		return "anchors and aliases (&name, *name) are not supported; write it out, or use params"
	case *ast.TagNode:
		return "YAML tags (!name) are not supported; for text use quotes"
	case *ast.MergeKeyNode:
		return "merge keys (<<) are not supported; write it out"
	}
	return ""
}

func (d *decoder) wrongType(n ast.Node, r rule, want string) bool {
	if _, empty := n.(*ast.NullNode); empty {
		d.errorf(start(n), "%s is empty; give %s, or leave the field out", r.name, want)
	} else {
		d.errorf(start(n), "%s must be %s, this is %s", r.name, want, describe(n))
	}
	return false
}

// structure decodes a map of fields.
func (d *decoder) structure(n ast.Node, v reflect.Value, r rule) bool {
	m, ok := n.(*ast.MappingNode)
	if !ok {
		return d.wrongType(n, r, "a map of fields")
	}
	fields := rules(v.Type())
	seen, strangers := map[string]bool{}, false
	for _, kv := range m.Values {
		key, ok := d.key(kv, seen)
		if !ok {
			continue
		}
		f := byName(fields, key)
		if f == nil {
			known := names(fields)
			d.errorf(start(kv.Key), "unknown field %q; allowed here: %s%s", key, listed(known), meant(key, known))
			if refused := unwanted(kv.Value); refused != "" {
				d.errorf(start(kv.Value), "%s", refused)
			}
			strangers = true
			continue
		}
		d.value(kv.Value, v.FieldByIndex(f.index), *f)
	}
	for _, f := range fields {
		if f.required && !seen[f.name] && !seen[f.unless] {
			d.errorf(start(n), "missing field %q; required here: %s", f.name, listed(names(requiredFields(fields))))
		}
	}
	if v.Type() == checkType && !strangers {
		d.oneAssertion(n, seen)
	}
	return true
}

func requiredFields(fields []rule) []rule {
	return slices.DeleteFunc(slices.Clone(fields), func(f rule) bool { return !f.required })
}

// key returns a map entry's key, and false if it must be passed over.
func (d *decoder) key(kv *ast.MappingValueNode, seen map[string]bool) (string, bool) {
	if refused := unwanted(kv.Key); refused != "" {
		d.errorf(start(kv.Key), "%s", refused)
		return "", false
	}
	if _, complex := kv.Key.(*ast.MappingKeyNode); complex {
		d.errorf(start(kv.Key), "a key must be plain text")
		return "", false
	}
	key := kv.Key.GetToken().Value
	if seen[key] {
		d.errorf(start(kv.Key), "duplicate field %q; give it once", key)
		return "", false
	}
	seen[key] = true
	return key, true
}

// oneAssertion demands that a check asserts exactly one thing.
func (d *decoder) oneAssertion(n ast.Node, seen map[string]bool) {
	var kinds, found []string
	for _, f := range rules(checkType) {
		if f.name == checkComment {
			continue
		}
		kinds = append(kinds, f.name)
		if seen[f.name] {
			found = append(found, f.name)
		}
	}
	switch {
	case len(found) > 1:
		d.errorf(start(n), "a check asserts one thing, this has %s; make it two checks, or wrap them in all: [ … ]", listed(found))
	case len(found) == 0:
		d.errorf(start(n), "a check must assert something; give one of: %s", listed(kinds))
	}
}

// list decodes a sequence. One text counts as a list of one.
func (d *decoder) list(n ast.Node, v reflect.Value, r rule) bool {
	var items []ast.Node
	switch s := n.(type) {
	case *ast.SequenceNode:
		items = s.Values
	case *ast.StringNode, *ast.LiteralNode:
		if v.Type().Elem().Kind() != reflect.String {
			return d.wrongType(n, r, "a list")
		}
		items = []ast.Node{n}
	default:
		return d.wrongType(n, r, "a list")
	}
	if len(items) == 0 && r.required {
		d.errorf(start(n), "%s is empty; give at least one", r.name)
	}
	v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
	good := true
	for i, item := range items {
		element := rule{name: r.name, shape: r.shape, one: r.one, required: true}
		good = d.value(item, v.Index(i), element) && good
	}
	return good
}

// table decodes a map from text to text or to lists of text.
func (d *decoder) table(n ast.Node, v reflect.Value, r rule) bool {
	m, ok := n.(*ast.MappingNode)
	if !ok {
		return d.wrongType(n, r, "a map from names to values")
	}
	v.Set(reflect.MakeMap(v.Type()))
	seen := map[string]bool{}
	for _, kv := range m.Values {
		raw, ok := d.key(kv, seen)
		if !ok {
			continue
		}
		key, known := d.substituted(raw, start(kv.Key))
		if isHeader := v.Type() == headersType; known && isHeader && !headerPattern().MatchString(key) {
			d.errorf(start(kv.Key), "%s: %q is not the name of a header; use letters, digits and -", r.name, key)
		} else if known && !isHeader && !isHostname(key) {
			d.errorf(start(kv.Key), "%s: %q is not a host name; use letters, digits, - and .", r.name, key)
		}
		item := reflect.New(v.Type().Elem()).Elem()
		if d.value(kv.Value, item, rule{name: r.name + ": " + key, shape: r.shape, required: true}) {
			v.SetMapIndex(reflect.ValueOf(key), item)
		}
	}
	return true
}

// sysctls decodes a map whose order is kept.
func (d *decoder) sysctls(n ast.Node, v reflect.Value, r rule) bool {
	m, ok := n.(*ast.MappingNode)
	if !ok {
		return d.wrongType(n, r, "a map from sysctl names to values")
	}
	var out []engine.Sysctl
	seen := map[string]bool{}
	for _, kv := range m.Values {
		raw, ok := d.key(kv, seen)
		if !ok {
			continue
		}
		name, known := d.substituted(raw, start(kv.Key))
		if known {
			d.shaped(name, start(kv.Key), rule{name: "the name of a setting", shape: "sysctl"})
		}
		s := engine.Sysctl{Name: name}
		if d.value(kv.Value, reflect.ValueOf(&s.Value).Elem(), rule{name: s.Name, shape: "scalar", required: true}) {
			out = append(out, s)
		}
	}
	v.Set(reflect.ValueOf(out))
	return true
}

// text decodes a string. Only the shape "scalar" takes numbers as they are.
func (d *decoder) text(n ast.Node, v reflect.Value, r rule) bool {
	raw, isText := textOf(n)
	if !isText && r.shape != "scalar" {
		if raw != "" {
			d.errorf(start(n), "%s must be text, this is %s; put it in quotes: %q", r.name, describe(n), raw)
			return false
		}
		return d.wrongType(n, r, "text")
	}
	if !isText && raw == "" {
		return d.wrongType(n, r, "text or a number")
	}
	s, known := d.substituted(raw, start(n))
	v.SetString(s)
	if !known {
		return false
	}
	if strings.TrimSpace(s) == "" {
		if r.required {
			d.errorf(start(n), "%s is empty; it must say something", r.name)
		}
		return !r.required
	}
	d.shaped(s, start(n), r)
	return true
}

// number decodes a whole number, which may come from a parameter as text.
func (d *decoder) number(n ast.Node, v reflect.Value, r rule) bool {
	raw, isText := textOf(n)
	s, known := d.substituted(raw, start(n))
	if !known {
		return false
	}
	i, err := strconv.ParseInt(s, 0, 32)
	_, isNumber := n.(*ast.IntegerNode)
	if fromParam := isText && s != raw; err != nil || !isNumber && !fromParam {
		return d.wrongType(n, r, "a whole number")
	}
	v.SetInt(i)
	low, high := bounds(r.shape)
	if i < low || i > high {
		d.errorf(start(n), "%s must be from %d to %d, this is %d", r.name, low, high, i)
	}
	return true
}

func (d *decoder) boolean(n ast.Node, v reflect.Value, r rule) bool {
	b, ok := n.(*ast.BoolNode)
	if !ok {
		return d.wrongType(n, r, "true or false")
	}
	v.SetBool(b.Value)
	return true
}

func (d *decoder) duration(n ast.Node, v reflect.Value, r rule) bool {
	const want = "a duration from 1ms to 1m, such as 500ms or 2s"
	raw, isText := textOf(n)
	if !isText {
		return d.wrongType(n, r, want)
	}
	s, known := d.substituted(raw, start(n))
	if !known {
		return false
	}
	t, err := time.ParseDuration(s)
	if err != nil || t < time.Millisecond || t > time.Minute {
		d.errorf(start(n), "%s must be %s, this is %q", r.name, want, s)
		return false
	}
	v.SetInt(int64(t))
	return true
}

// shaped checks a text against the rule's shape and values, and notes the
// nodes that it mentions.
func (d *decoder) shaped(s string, at *token.Position, r rule) {
	if len(r.one) > 0 && !slices.Contains(r.one, s) {
		d.errorf(at, "%s must be one of %s, this is %q%s", r.name, strings.Join(r.one, ", "), s, meant(s, r.one))
	}
	if want := checkShape(r.shape, s); want != "" {
		d.errorf(at, "%s must be %s, this is %q", r.name, want, s)
		return
	}
	if node := mentionedNode(r.shape, s); node != "" {
		d.nodes = append(d.nodes, reference{node, at})
	}
}
