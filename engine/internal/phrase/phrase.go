// Package phrase makes sentences of templates and typed arguments, so that what is said
// stands in one catalogue, where it can be worded, tested and translated, and programs get
// the arguments themselves.
//
// In a template, {name} stands for the argument whose JSON name that is: a string, a number,
// or a list of strings, which reads "a, b and c". {name#try|tries} is a number and what it
// counts: "1 try", "60 tries".
package phrase

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

var placeholder = regexp.MustCompile(`\{([a-z_]+)(?:#([^|{}]*)\|([^{}]*))?\}`)

// Names returns the names of the arguments that a template uses, in order.
func Names(template string) []string {
	var names []string
	for _, m := range placeholder.FindAllStringSubmatch(template, -1) {
		names = append(names, m[1])
	}
	return names
}

// Render fills a template with the fields of args, a struct. A placeholder that args has no
// field for stays as it is; a test of the catalogue finds it (see Absent).
func Render(template string, args any) string {
	fields := fieldsOf(args)
	return placeholder.ReplaceAllStringFunc(template, func(p string) string {
		m := placeholder.FindStringSubmatch(p)
		v, ok := fields[m[1]]
		switch {
		case !ok:
			return p
		case m[2] == "" && m[3] == "":
			return word(v)
		case v.CanInt() && v.Int() == 1:
			return "1 " + m[2]
		}
		return word(v) + " " + m[3]
	})
}

// Absent returns the arguments that a template uses and that args, a struct, has no field
// for, or has left empty.
func Absent(template string, args any) []string {
	fields := fieldsOf(args)
	var absent []string
	for _, name := range Names(template) {
		if v, ok := fields[name]; !ok || v.Kind() != reflect.Int && v.IsZero() {
			absent = append(absent, name)
		}
	}
	return absent
}

// fieldsOf returns a struct's fields by their JSON names.
func fieldsOf(args any) map[string]reflect.Value {
	v := reflect.ValueOf(args)
	fields := make(map[string]reflect.Value, v.NumField())
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		fields[name] = v.Field(i)
	}
	return fields
}

func word(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case int:
		return strconv.Itoa(x)
	case []string:
		return List(x)
	default:
		return fmt.Sprint(x)
	}
}

// List is "a", "a and b", "a, b and c".
func List(words []string) string {
	switch n := len(words); n {
	case 0:
		return ""
	case 1:
		return words[0]
	default:
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
}
