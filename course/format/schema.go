package format

import (
	"reflect"
	"strings"
)

// Schema is a JSON Schema of draft 2020-12, as far as lab files need it.
// Marshalled it is the schema's text.
type Schema struct {
	Dialect     string             `json:"$schema,omitempty"`
	ID          string             `json:"$id,omitempty"`
	Title       string             `json:"title,omitempty"`
	Description string             `json:"description,omitempty"`
	Ref         string             `json:"$ref,omitempty"`
	Type        any                `json:"type,omitempty"` // a name, or several
	Enum        []string           `json:"enum,omitempty"`
	Pattern     string             `json:"pattern,omitempty"`
	MaxLength   int                `json:"maxLength,omitempty"`
	Minimum     *int64             `json:"minimum,omitempty"`
	Maximum     *int64             `json:"maximum,omitempty"`
	Items       *Schema            `json:"items,omitempty"`
	MinItems    int                `json:"minItems,omitempty"`
	MaxItems    int                `json:"maxItems,omitempty"`
	Properties  map[string]*Schema `json:"properties,omitempty"`
	Names       *Schema            `json:"propertyNames,omitempty"`
	Others      any                `json:"additionalProperties,omitempty"` // false, or the schema of every other member
	Required    []string           `json:"required,omitempty"`
	AnyOf       []*Schema          `json:"anyOf,omitempty"`
	OneOf       []*Schema          `json:"oneOf,omitempty"`
	Not         *Schema            `json:"not,omitempty"`
	Definitions map[string]*Schema `json:"$defs,omitempty"`
}

// LabSchema describes lab.yaml, made from the same struct tags that the
// loader reads and from the comments beside them. It refuses nothing that the
// loader accepts. It cannot know what takes looking around in a file, such as
// whether a node that is named exists.
func LabSchema() *Schema {
	g := &schemas{texts: formatTexts(), defs: map[string]*Schema{
		usesParam: {
			Description: "Text in which ${name} stands for the value of a parameter.",
			Type:        "string", Pattern: `\$\{[a-z][a-z0-9_]*\}`,
		},
	}}
	root := g.structure(reflect.TypeFor[file]())
	root.Dialect = "https://json-schema.org/draft/2020-12/schema"
	root.Title = "An Underlay lab (lab.yaml)"
	root.Description = g.texts["Lab"]
	root.Definitions = g.defs
	return root
}

// usesParam is the definition that takes the place of a number or a shaped text.
const usesParam = "usesParameter"

// schemas makes the schemas of Go types. Each struct type is described once, in
// defs, because checks hold checks.
type schemas struct {
	texts map[string]string // from formatTexts
	defs  map[string]*Schema
}

// value describes what a field of type t may hold.
func (g *schemas) value(t reflect.Type, r rule) *Schema {
	switch t {
	case durationType:
		return g.orParam(&Schema{Type: "string", Pattern: `^\+?([0-9.]+(ns|us|µs|μs|ms|s|m|h))+$`})
	case sysctlsType:
		return &Schema{Type: "object", Names: g.text(rule{shape: "sysctl", required: true}), Others: g.text(rule{shape: "scalar", required: true})}
	case paramsType:
		return paramsSchema()
	}
	switch t.Kind() {
	case reflect.Pointer:
		return g.value(t.Elem(), r)
	case reflect.Struct:
		return g.reference(t)
	case reflect.Slice:
		return g.list(t.Elem(), r)
	case reflect.Map:
		names := "hostname"
		if t == headersType {
			names = "header"
		}
		return &Schema{Type: "object", Names: g.text(rule{shape: names, required: true}),
			Others: g.value(t.Elem(), rule{shape: r.shape, required: true})}
	case reflect.String:
		return g.text(r)
	case reflect.Int:
		low, high := bounds(r.shape)
		return g.orParam(&Schema{Type: "integer", Minimum: &low, Maximum: &high})
	case reflect.Bool:
		return &Schema{Type: "boolean"}
	}
	panic("labs: no schema for " + t.String())
}

// reference describes a struct type in defs and points there.
func (g *schemas) reference(t reflect.Type) *Schema {
	if _, known := g.defs[t.Name()]; !known {
		g.defs[t.Name()] = nil // so that a check within a check ends here
		s := g.structure(t)
		s.Description = g.texts[t.Name()]
		g.defs[t.Name()] = s
	}
	return &Schema{Ref: "#/$defs/" + t.Name()}
}

func (g *schemas) structure(t reflect.Type) *Schema {
	fields := rules(t)
	s := &Schema{Type: "object", Others: false, Properties: map[string]*Schema{}}
	for _, f := range fields {
		switch {
		case f.unless != "":
			s.AnyOf = append(s.AnyOf, &Schema{Required: []string{f.name}}, &Schema{Required: []string{f.unless}})
		case f.required:
			s.Required = append(s.Required, f.name)
		}
		field := t.FieldByIndex(f.index)
		p := g.value(field.Type, f)
		p.Description = g.texts[owner(t, f.index)+"."+field.Name]
		s.Properties[f.name] = p
		if t == checkType && f.name != checkComment {
			s.OneOf = append(s.OneOf, &Schema{Required: []string{f.name}})
		}
	}
	return s
}

// owner names the struct type that declares the field, which may be inlined.
func owner(t reflect.Type, index []int) string {
	for _, i := range index[:len(index)-1] {
		t = t.Field(i).Type
	}
	return t.Name()
}

// list describes a sequence. As in the loader one text counts as a list of one.
func (g *schemas) list(element reflect.Type, r rule) *Schema {
	item := g.value(element, rule{shape: r.shape, one: r.one, required: true})
	s := &Schema{Type: "array", Items: item}
	if r.required {
		s.MinItems = 1
	}
	if element == nodeType {
		s.MaxItems = maxNodes
	}
	if element.Kind() == reflect.String {
		return &Schema{AnyOf: []*Schema{s, item}}
	}
	return s
}

// text describes a text of the rule's shape or values. One that may be left out
// may be empty, too.
func (g *schemas) text(r rule) *Schema {
	s := &Schema{Type: "string", Enum: r.one}
	switch pattern, most := shapePattern(r.shape); {
	case r.shape == "scalar":
		s.Type = []string{"string", "number", "boolean"}
	case len(r.one) > 0 && !r.required:
		s.Enum = append([]string{""}, r.one...)
	case len(r.one) > 0:
	case pattern != "" && !r.required:
		s.Pattern, s.MaxLength = `^\s*$|`+pattern, most
	case pattern != "":
		s.Pattern, s.MaxLength = pattern, most
	case r.required:
		s.Pattern = `\S`
	}
	if s.Pattern == `\S` || s.Pattern == "" && s.Enum == nil {
		return s
	}
	return g.orParam(s)
}

// orParam allows a text with a parameter in it in place of s.
func (g *schemas) orParam(s *Schema) *Schema {
	return &Schema{AnyOf: []*Schema{s, {Ref: "#/$defs/" + usesParam}}}
}

func paramsSchema() *Schema {
	return &Schema{
		Type:  "object",
		Names: &Schema{Pattern: paramName().String()},
		Others: &Schema{Type: "array", MinItems: 1, Items: &Schema{
			Type: []string{"string", "number", "boolean"}, Pattern: `[\s\S]`,
			Not: &Schema{Type: "string", Pattern: paramUse().String()},
		}},
	}
}

// shapePattern returns the regular expression that every text of a shape
// matches, in what JSON Schema and Go have in common, and the most characters
// it may have (0 for any number). It is "" for shapes that only the loader can
// judge.
func shapePattern(shape string) (pattern string, most int) {
	const (
		octet = `(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])`
		four  = octet + `(\.` + octet + `){3}`
		addr  = `(` + four + `|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)`
		cidr  = addr + `/[0-9]{1,3}`
		mac   = `[0-9A-Fa-f][02468ACEace](:[0-9A-Fa-f]{2}){5}`
		iface = `[^/:% \t\n\v\f\r]+`
		node  = `[a-z]([a-z0-9-]*[a-z0-9])?`
	)
	only := func(alternatives ...string) string { return `^(` + strings.Join(alternatives, "|") + `)$` }
	switch shape {
	case "id":
		return idPattern().String(), maxID
	case "nodename", "node":
		return nodePattern().String(), maxNodeName
	case "ifname":
		return only(iface), maxInterface
	case "hostname":
		return hostnamePattern().String(), 253
	case "header":
		return headerPattern().String(), 0
	case "method":
		return methodPattern().String(), 0
	case "iface":
		return only(iface, node+"/"+iface), 0
	case "manifest":
		return manifestPattern().String(), 0
	case "sysctl":
		return sysctlName().String(), 0
	case "addr":
		return only(addr), 0
	case "cidr":
		return only(cidr), 0
	case "prefix":
		return only(addr, cidr), 0
	case "dest":
		return only("default", cidr), 0
	case "via":
		return only("none", addr), 0
	case "target":
		return only(addr, strings.Trim(hostnamePattern().String(), "^$")), 0
	case "domain":
		return only(`\.`, strings.Trim(hostnamePattern().String(), "^$")), 0
	case "dnsoption":
		return dnsOption().String(), 0
	case "mac":
		return only(mac), 0
	case "macref":
		return only(mac, node+"/"+iface), 0
	case "endpoint":
		return only(`(` + four + `|\[[0-9A-Fa-f:.]+\]):[0-9]+`), 0
	case "listen":
		return only(`(` + four + `|\[[0-9A-Fa-f:.]+\])?:\+?[0-9]+`), 0
	case "answer":
		return only(`(` + strings.Join(answerables, "|") + `):` + node + "/" + iface), 0
	}
	return "", 0
}
