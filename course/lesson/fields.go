package lesson

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"underlay/course/ids"
)

// field is a key that a YAML mapping may have.
type field struct {
	name     string
	want     string // what is allowed, in words
	required bool
	dst      any // pointer to what it is decoded into
}

// fragment is a YAML mapping somewhere in a file, with what was wrong with it.
type fragment struct {
	file   string
	line   int // line of the file on which the fragment starts
	fields []field
	nodes  map[string]ast.Node // the values
	bad    map[string]bool     // fields that have an error already
	errs   []error
}

// parseYAML decodes the mapping in src into the fields. what names the thing
// in messages, with its article.
func parseYAML(file string, line int, src, what string, fields []field) *fragment {
	y := &fragment{file: file, line: line, fields: fields, nodes: map[string]ast.Node{}, bad: map[string]bool{}}
	root, err := y.parse(src)
	if err != nil {
		y.errs = append(y.errs, err)
		y.silence()
		return y
	}
	y.decode(root, what)
	return y
}

// parse returns the fragment's root, or nil if there is nothing in it.
func (y *fragment) parse(src string) (root ast.Node, err error) {
	defer func() { // the YAML parser is not ours: its panics must not be ours either
		if r := recover(); r != nil {
			root, err = nil, &Error{y.file, y.line, 1, "this is not readable YAML; write plain keys and values"}
		}
	}()
	f, err := parser.ParseBytes([]byte(src), 0)
	if err != nil {
		return nil, y.yamlError(err)
	}
	if len(f.Docs) > 1 {
		return nil, y.at(f.Docs[1].GetToken(), "a second YAML document; only one is allowed here")
	}
	if len(f.Docs) == 0 {
		return nil, nil
	}
	return f.Docs[0].Body, nil
}

func (y *fragment) decode(root ast.Node, what string) {
	pairs, ok := mapping(root)
	if !ok {
		y.errs = append(y.errs, y.at(tokenOf(root), "%s must be written as keys and values; allowed: %s", what, names(y.fields)))
		y.silence()
		return
	}
	for _, p := range pairs {
		key := p.Key.String()
		f := y.field(key)
		if f == nil {
			y.errs = append(y.errs, y.at(p.Key.GetToken(), "unknown field %q of %s; allowed: %s", key, what, names(y.fields)))
			continue
		}
		y.nodes[key] = p.Value
		if err := decodeNode(p.Value, f.dst); err != nil {
			y.bad[key] = true
			y.errs = append(y.errs, y.at(errorToken(err, p.Value), "%s must be %s", key, f.want))
		}
	}
	for _, f := range y.fields {
		if f.required && !y.bad[f.name] && (y.nodes[f.name] == nil || isEmpty(f.dst)) {
			y.bad[f.name] = true
			y.errs = append(y.errs, y.at(y.token(f.name), "%s needs %s (%s)", what, f.name, f.want))
		}
	}
}

// decodeNode decodes a value strictly; what the YAML library panics on is an error.
func decodeNode(n ast.Node, dst any) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = errors.New("cannot be decoded")
		}
	}()
	return yaml.NodeToValue(n, dst, yaml.Strict())
}

// fail records that a field's value will not do, unless it failed already.
// The message begins with the field's name and ends with what is allowed.
func (y *fragment) fail(name, format string, args ...any) {
	y.refuse(name, "%s %s; allowed: %s", name, fmt.Sprintf(format, args...), y.field(name).want)
}

// refuse is fail with a message of its own.
func (y *fragment) refuse(name, format string, args ...any) {
	if y.bad[name] {
		return
	}
	y.bad[name] = true
	y.errs = append(y.errs, y.at(y.token(name), format, args...))
}

// checkFormerly demands that the ids which something had look like ids, differ, and are not
// the one that it has.
func (y *fragment) checkFormerly(id string, formerly []string) {
	for i, what := range ids.Repeated(id, formerly) {
		if !idRE().MatchString(formerly[i]) {
			what = fmt.Sprintf("formerly has %q; allowed: %s", formerly[i], idWant)
		}
		if what != "" {
			y.errs = append(y.errs, y.at(y.item("formerly", i), "%s", what))
		}
	}
}

// silence makes later complaints about single fields pointless.
func (y *fragment) silence() {
	for _, f := range y.fields {
		y.bad[f.name] = true
	}
}

// err joins what was wrong, in file order; nil if nothing was.
func (y *fragment) err() error { return errors.Join(inOrder(y.errs)...) }

// inOrder sorts errors by line and column.
func inOrder(errs []error) []error {
	slices.SortStableFunc(errs, func(a, b error) int {
		var x, y *Error
		if !errors.As(a, &x) || !errors.As(b, &y) {
			return 0
		}
		return cmp.Or(cmp.Compare(x.Line, y.Line), cmp.Compare(x.Col, y.Col))
	})
	return errs
}

func (y *fragment) field(name string) *field {
	for i := range y.fields {
		if y.fields[i].name == name {
			return &y.fields[i]
		}
	}
	return nil
}

// token returns the token of a field's value, or nil.
func (y *fragment) token(name string) *token.Token { return tokenOf(y.nodes[name]) }

// item returns the token of the i-th element of a list field, or the field's own.
func (y *fragment) item(name string, i int) *token.Token {
	if seq, ok := y.nodes[name].(*ast.SequenceNode); ok && i < len(seq.Values) {
		if t := tokenOf(seq.Values[i]); t != nil {
			return t
		}
	}
	return y.token(name)
}

// at makes an error at a token; without one, at the fragment's first line.
func (y *fragment) at(t *token.Token, format string, args ...any) *Error {
	e := &Error{y.file, y.line, 1, fmt.Sprintf(format, args...)}
	if t != nil && t.Position != nil {
		e.Line += max(t.Position.Line-1, 0)
		e.Col = max(t.Position.Column, 1)
	}
	return e
}

// yamlError turns an error of the YAML library into one of ours.
func (y *fragment) yamlError(err error) error {
	var at yaml.Error
	if !errors.As(err, &at) {
		return &Error{y.file, y.line, 1, err.Error()}
	}
	// The library's own words would give a position within the fragment.
	if t := at.GetToken(); t != nil && strings.Contains(at.GetMessage(), "already defined at") {
		return y.at(t, "%s is given twice; give each field once", t.Value)
	}
	return y.at(at.GetToken(), "%s; write plain YAML keys and values", at.GetMessage())
}

// errorToken returns where in a value decoding failed, as exactly as is known.
func errorToken(err error, value ast.Node) *token.Token {
	var at yaml.Error
	if errors.As(err, &at) && at.GetToken() != nil {
		return at.GetToken()
	}
	return tokenOf(value)
}

func mapping(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := n.(type) {
	case nil:
		return nil, true
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

// tokenOf returns where a node starts: for a mapping its first key.
func tokenOf(n ast.Node) *token.Token {
	if pairs, ok := mapping(n); ok {
		if len(pairs) > 0 {
			return pairs[0].Key.GetToken()
		}
		if n == nil {
			return nil
		}
	}
	return n.GetToken()
}

func names(fields []field) string {
	s := make([]string, len(fields))
	for i, f := range fields {
		s[i] = f.name
	}
	return strings.Join(s, ", ")
}

func isEmpty(dst any) bool {
	switch v := dst.(type) {
	case *string:
		return strings.TrimSpace(*v) == ""
	case *[]string:
		return len(*v) == 0
	case *[]int:
		return len(*v) == 0
	}
	return false
}
