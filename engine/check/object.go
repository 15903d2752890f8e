package check

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"underlay/engine"
)

var objectKind = spec[engine.ObjectCheck]{
	of:       func(c *engine.Check) *engine.ObjectCheck { return c.Object },
	judge:    judgeObject,
	describe: describeObject,
}.kind()

// objectWords is the object that a check looks for, without its fields.
func objectWords(c engine.ObjectCheck) string {
	s := c.Kind
	if c.Name != "" {
		s += " " + c.Name
	}
	if c.Select != "" {
		s += " with " + c.Select
	}
	if c.Kind != "node" && c.Kind != "namespace" && ObjectNamespace(c) != "default" {
		s += " in " + ObjectNamespace(c)
	}
	return s
}

func describeObject(c engine.ObjectCheck) string {
	s := "there is a " + objectWords(c)
	for i, f := range c.Fields {
		sep := ", and "
		if i == 0 {
			sep = " whose "
		}
		if f.Is == "" {
			s += sep + f.Path + " is set"
		} else {
			s += sep + f.Path + " is " + f.Is
		}
	}
	return s
}

// Object is an object of a cluster, as its API gives it in JSON.
type Object map[string]any

// objectKey is what one listing of the API answers.
type objectKey struct{ kind, namespace string }

type objectList struct {
	objects []Object
	err     error
}

// ObjectNamespace is the namespace that a check looks in.
func ObjectNamespace(c engine.ObjectCheck) string { return orElse(c.Namespace, "default") }

// judgeObject evaluates an object check; equal listings are made once.
func judgeObject(ctx context.Context, r *run, _ scope, c engine.ObjectCheck) verdict {
	key := objectKey{c.Kind, ObjectNamespace(c)}
	got := remember(&r.asked, key, func() objectList {
		objects, err := r.w.Objects(ctx, key.kind, key.namespace)
		return objectList{objects, err}
	})
	if got.err != nil {
		return broken("object.unable", args{Kind: c.Kind, Detail: got.err.Error()})
	}
	found := slices.DeleteFunc(slices.Clone(got.objects), func(o Object) bool {
		return c.Name != "" && o.Text("metadata.name") != c.Name || !o.hasLabels(c.Select)
	})
	if len(found) == 0 {
		return fail("object.none", args{Value: objectWords(c)})
	}
	var first *verdict
	for _, o := range found {
		v := o.judge(c)
		if v.State == engine.Pass {
			return v
		}
		if first == nil {
			first = &v
		}
	}
	return *first
}

// judge fails for the first of the fields that is not as asked.
func (o Object) judge(c engine.ObjectCheck) verdict {
	a := args{Kind: c.Kind, Name: o.Text("metadata.name")}
	for _, f := range c.Fields {
		got, ok := o.Get(f.Path)
		switch text := scalar(got); {
		case !ok:
			a.Field = f.Path
			return fail("object.no-field", a)
		case f.Is != "" && text != f.Is:
			a.Field, a.Value = f.Path, text
			return fail("object.field", a)
		}
	}
	for _, f := range c.Fields {
		a.Found = append(a.Found, f.Path+" is "+o.Text(f.Path))
	}
	return pass("object", a)
}

func (o Object) hasLabels(list string) bool {
	labels, _ := o.Get("metadata.labels")
	have, _ := labels.(map[string]any)
	return HasLabels(have, list)
}

// HasLabels reports whether labels match a list such as "app=web,tier=front".
func HasLabels[V any](labels map[string]V, list string) bool {
	for want := range strings.SplitSeq(list, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(want), "=")
		if got, ok := labels[key]; key != "" && (!ok || any(got) != value) {
			return false
		}
	}
	return true
}

// Get returns what stands at a dotted path, such as "spec.ports.0.nodePort". A key
// with dots in it is found as well, if nothing follows.
func (o Object) Get(path string) (any, bool) {
	var at any = map[string]any(o)
	for path != "" {
		step, rest, _ := strings.Cut(path, ".")
		switch x := at.(type) {
		case map[string]any:
			if v, ok := x[path]; ok {
				return v, v != nil
			}
			v, ok := x[step]
			if !ok {
				return nil, false
			}
			at = v
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(x) {
				return nil, false
			}
			at = x[i]
		default:
			return nil, false
		}
		path = rest
	}
	return at, at != nil
}

// Text is what stands at a path, as text; "" if nothing does.
func (o Object) Text(path string) string {
	v, _ := o.Get(path)
	return scalar(v)
}

// scalar writes a value of JSON as a person does: text without quotes.
func scalar(v any) string {
	switch x := v.(type) {
	case nil:
		return ""
	case string:
		return x
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}
