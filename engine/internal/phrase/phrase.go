// Package phrase makes sentences of templates and typed arguments, so that what is said
// stands in one catalogue, where it can be worded, tested and translated, and programs get
// the arguments themselves.
//
// In a template, {name} stands for the argument whose JSON name that is: a string, a number,
// or a list of strings, which reads "a, b and c".
//
//	{name#try|tries}  a number and what it counts: "1 try", "60 tries"
//	{name|refused}    "refused" where the argument is empty
//	{name:q}          in quotes, as Go quotes a string
//	{name:a}          with its article: "a bridge", "an accept"
//	{name:,} {name:;} a list that reads "a, b" or "a; b"
//	[ for {name}]     nothing at all where an argument in it is empty
package phrase

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// They are compiled when used, since every process of the program has this package.
var (
	placeholder = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`\{([a-z_]+)(?::([qa,;]))?(?:#([^|{}]*)\|([^{}]*)|\|([^{}]*))?\}`)
	})
	section = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`\[[^\[\]{}]*(?:\{[^{}]*\}[^\[\]{}]*)+\]`)
	})
)

// Names returns the names of the arguments that a template uses, in order.
func Names(template string) []string {
	var names []string
	for _, m := range placeholder().FindAllStringSubmatch(template, -1) {
		names = append(names, m[1])
	}
	return names
}

// Render fills a template with the fields of args, a struct. A placeholder that args has no
// field for stays as it is; a test of the catalogue finds it (see Absent).
func Render(template string, args any) string {
	fields := fieldsOf(args)
	template = section().ReplaceAllStringFunc(template, func(s string) string {
		for _, name := range Names(s) {
			if v, ok := fields[name]; ok && v.IsZero() {
				return ""
			}
		}
		return s[1 : len(s)-1]
	})
	return placeholder().ReplaceAllStringFunc(template, func(p string) string {
		m := placeholder().FindStringSubmatch(p)
		v, ok := fields[m[1]]
		one, many, otherwise := m[3], m[4], m[5]
		switch {
		case !ok:
			return p
		case otherwise != "" && v.IsZero():
			return otherwise
		case one == "" && many == "":
			return word(v, m[2])
		case v.CanInt() && v.Int() == 1:
			return "1 " + one
		}
		return word(v, "") + " " + many
	})
}

// Needed returns the arguments that a template cannot do without: those that are in no
// section and for which it has no other words.
func Needed(template string) []string {
	var names []string
	for _, m := range placeholder().FindAllStringSubmatch(section().ReplaceAllString(template, ""), -1) {
		if m[5] == "" {
			names = append(names, m[1])
		}
	}
	return names
}

// Absent returns the arguments that a template uses and that args, a struct, has no field
// for, and those that it needs and that args has left empty. A number may be 0.
func Absent(template string, args any) []string {
	fields := fieldsOf(args)
	var absent []string
	for _, name := range Names(template) {
		if _, ok := fields[name]; !ok {
			absent = append(absent, name)
		}
	}
	for _, name := range Needed(template) {
		if v, ok := fields[name]; ok && v.Kind() != reflect.Int && v.IsZero() {
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

func word(v reflect.Value, form string) string {
	switch x := v.Interface().(type) {
	case int:
		return strconv.Itoa(x)
	case []string:
		if form == "," || form == ";" {
			return strings.Join(x, form+" ")
		}
		return List(x)
	default:
		s := fmt.Sprint(x)
		switch form {
		case "q":
			return strconv.Quote(s)
		case "a":
			return Article(s) + " " + s
		}
		return s
	}
}

// Article is the article that a noun takes: "a" or "an".
func Article(noun string) string {
	if noun != "" && strings.ContainsRune("aeio", rune(noun[0])) {
		return "an"
	}
	return "a"
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
