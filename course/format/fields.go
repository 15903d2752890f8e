package format

import (
	"reflect"
	"slices"
	"strings"
	"sync"
)

// rule is what lab.yaml's author must keep to in one field, as its struct tags
// say it.
type rule struct {
	name     string   // in lab.yaml
	index    []int    // of the Go field
	required bool     // must be there and not be empty
	unless   string   // the field beside it without which it is required; "" for always
	shape    string   // of its text, its elements' text, or its number; see checkShape
	one      []string // the values it may have; empty for any
}

// rulesOf remembers what rules has found of each type. Types do not change while
// a program runs, and a lab's few hundred values are of some thirty types.
var rulesOf sync.Map

// rules returns the fields that lab.yaml may give for a struct type, those of
// inlined structs included. The caller does not change them.
func rules(t reflect.Type) []rule {
	if known, ok := rulesOf.Load(t); ok {
		return known.([]rule) //nolint:forcetypeassert // nothing else is stored
	}
	out := readRules(t)
	rulesOf.Store(t, out)
	return out
}

func readRules(t reflect.Type) []rule {
	var out []rule
	for i := range t.NumField() {
		f := t.Field(i)
		name, option, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case option == "inline":
			for _, r := range rules(f.Type) {
				r.index = append([]int{i}, r.index...)
				out = append(out, r)
			}
		case name != "" && name != "-":
			out = append(out, parseRule(name, i, f.Tag.Get("lab")))
		}
	}
	return out
}

func parseRule(name string, index int, tag string) rule {
	r := rule{name: name, index: []int{index}}
	for word := range strings.SplitSeq(tag, ",") {
		if values, ok := strings.CutPrefix(word, "one="); ok {
			r.one = strings.Split(values, "|")
		} else if other, ok := strings.CutPrefix(word, "unless="); ok {
			r.unless = other
		} else if word == "required" {
			r.required = true
		} else {
			r.shape = word
		}
	}
	return r
}

// names returns the names of the fields.
func names(rs []rule) []string {
	out := make([]string, len(rs))
	for i, r := range rs {
		out[i] = r.name
	}
	return out
}

// byName returns the rule of that name, or nil.
func byName(rs []rule, name string) *rule {
	if i := slices.IndexFunc(rs, func(r rule) bool { return r.name == name }); i >= 0 {
		return &rs[i]
	}
	return nil
}
