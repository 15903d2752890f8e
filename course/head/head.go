// Package head reads the top-level fields of a YAML map, for lists: what
// the program starts with is a few lines of each lab and lesson, and a YAML parser
// takes milliseconds for each file.
//
// It understands values on one line and says so of everything else; then the file is
// parsed. What it understands it reads as a YAML parser does.
package head

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Field is one field of a map: what stands on the line of its key, and the lines below
// it, which are indented.
type Field struct{ Value, Below string }

// Fields are a map's fields by their keys.
type Fields map[string]Field

// Split takes a text apart at its top-level keys. ok is false for what is no block map
// with plain lower-case keys, each once.
func Split(text string) (fields Fields, ok bool) {
	fields = Fields{}
	for text != "" {
		line, rest, _ := strings.Cut(text, "\n")
		if strings.TrimSpace(line) == "" || line[0] == '#' {
			text = rest
			continue
		}
		key, value, ok := keyed(line)
		if _, twice := fields[key]; !ok || twice {
			return nil, false
		}
		below := indented(rest)
		fields[key] = Field{Value: value, Below: below}
		text = rest[len(below):]
	}
	return fields, true
}

// keyed takes a line apart that begins with a plain lower-case key.
func keyed(line string) (key, value string, ok bool) {
	next := strings.TrimLeft(line, "abcdefghijklmnopqrstuvwxyz")
	if next == line || next != ":" && !strings.HasPrefix(next, ": ") {
		return "", "", false
	}
	return line[:len(line)-len(next)], strings.TrimSpace(next[1:]), true
}

// indented returns the lines that a text begins with up to the first that is neither
// indented nor empty nor a comment.
func indented(text string) string {
	for at := 0; at < len(text); {
		if c := text[at]; c != ' ' && c != '\n' && c != '#' {
			return text[:at]
		}
		n := strings.IndexByte(text[at:], '\n')
		if n < 0 {
			break
		}
		at += n + 1
	}
	return text
}

// bare says whether nothing but comments is below the field.
func (f Field) bare() bool {
	for line := range strings.Lines(f.Below) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			return false
		}
	}
	return true
}

// Text returns a field's value if it is text, of at least a letter.
func (f Field) Text() (string, bool) {
	if !f.bare() {
		return "", false
	}
	return text(f.Value)
}

// indicators are the characters by which YAML knows that a plain text has an end.
const indicators = ",[]{}"

// text reads a text in quotes, or one without that begins with a letter. It is a copy,
// so that a few words do not keep a whole file.
func text(s string) (string, bool) {
	if strings.ContainsFunc(s, unprintable) || strings.Contains(s, "${") {
		return "", false
	}
	if len(s) > 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		inner := s[1 : len(s)-1]
		return strings.Clone(inner), !strings.ContainsAny(inner, `"'\`) && strings.TrimSpace(inner) == inner
	}
	s, _, _ = strings.Cut(s, " #")
	s = strings.TrimRight(s, " ")
	if first, _ := utf8.DecodeRuneInString(s); !unicode.IsLetter(first) {
		return "", false
	}
	return strings.Clone(s), !reserved(s) && !strings.Contains(s, ": ") && !strings.HasSuffix(s, ":")
}

func unprintable(r rune) bool {
	return r < ' ' || r == 0x7f || r == utf8.RuneError || unicode.Is(unicode.Zl, r)
}

// reserved says whether a word may be something else than text.
func reserved(s string) bool {
	switch strings.ToLower(s) {
	case "true", "false", "null", "yes", "no", "on", "off", "y", "n":
		return true
	}
	return false
}

// Number returns a field's value if it is a whole number from 0 to 99999.
func (f Field) Number() (int, bool) {
	s, _, _ := strings.Cut(f.Value, " #")
	s = strings.TrimRight(s, " ")
	n := 0
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	plain := len(s) > 0 && len(s) < 6 && (s[0] != '0' || s == "0")
	return n, plain && f.bare()
}

// Words returns a field's value if it is a list of plain words in brackets.
func (f Field) Words() ([]string, bool) {
	s, _, _ := strings.Cut(f.Value, " #")
	inner, ok := strings.CutPrefix(strings.TrimRight(s, " "), "[")
	inner, closed := strings.CutSuffix(inner, "]")
	if !ok || !closed || !f.bare() {
		return nil, false
	}
	var out []string
	for item := range strings.SplitSeq(inner, ",") {
		w, ok := word(strings.TrimSpace(item))
		if !ok {
			return nil, false
		}
		out = append(out, w)
	}
	return out, true
}

// items returns what stands behind the dash of each item of a block list, without the
// lines below it.
func (f Field) items() ([]string, bool) {
	var out []string
	var indent, deeper string
	if f.Value != "" {
		return nil, false
	}
	for below := f.Below; below != ""; {
		var line string
		line, below, _ = strings.Cut(below, "\n")
		if out != nil && strings.HasPrefix(line, deeper) {
			continue // of an item; there are hundreds of these lines
		}
		rest := strings.TrimLeft(line, " ")
		if rest == "" || rest[0] == '#' {
			continue
		}
		item, isItem := strings.CutPrefix(rest, "- ")
		if out == nil {
			indent = line[:len(line)-len(rest)]
			deeper = indent + " "
		}
		item = strings.TrimSpace(item)
		if !isItem || len(line)-len(rest) != len(indent) {
			return nil, false
		}
		out = append(out, item)
	}
	return out, out != nil
}

// Texts returns the items of a block list of which each is text on one line.
func (f Field) Texts() ([]string, bool) {
	out, ok := f.items()
	if !ok || len(out) != strings.Count(strings.TrimRight(f.Below, "\n")+"\n", "\n") {
		return nil, false // there are lines below an item
	}
	for i, item := range out {
		if out[i], ok = text(item); !ok {
			return nil, false
		}
	}
	return out, true
}

// Each returns the value of a key, a plain word, in every map of a block list. They all
// have to begin with it.
func (f Field) Each(key string) ([]string, bool) {
	out, ok := f.items()
	if !ok {
		return nil, false
	}
	for i, item := range out {
		value, has := strings.CutPrefix(item, key+": ")
		if out[i], ok = word(value); !has || !ok {
			return nil, false
		}
	}
	return out, true
}

// EachWords returns the value of a key, a list of plain words in brackets, in every map of
// a block list; nil for a map without that key, and nothing at all if no map can have it.
func (f Field) EachWords(key string) (out [][]string, ok bool) {
	if !strings.Contains(f.Below, key) {
		return nil, true
	}
	if f.Value != "" {
		return nil, false
	}
	depth, inner, deeper := -1, -1, "" // how far items, their keys, and what is below those are indented
	found := false                     // lines below would be part of the value
	for below := f.Below; below != ""; {
		var line string
		line, below, _ = strings.Cut(below, "\n")
		if out != nil && !found && strings.HasPrefix(line, deeper) {
			continue
		}
		rest := strings.TrimLeft(line, " ")
		at := len(line) - len(rest)
		if strings.TrimSpace(rest) == "" || rest[0] == '#' {
			continue
		}
		if depth < 0 {
			depth = at
		}
		if item, isItem := strings.CutPrefix(rest, "- "); isItem && at == depth {
			rest = strings.TrimLeft(item, " ")
			at = len(line) - len(rest)
			inner, deeper = at, strings.Repeat(" ", at+1)
			out = append(out, nil)
		}
		name, value, ok := keyed(rest)
		if !ok || at != inner {
			return nil, false
		}
		if found = name == key; !found {
			continue
		}
		last := len(out) - 1
		twice := out[last] != nil
		if out[last], ok = (Field{Value: value}).Words(); !ok || twice {
			return nil, false
		}
	}
	return out, true
}

// word reads a plain word.
func word(s string) (string, bool) {
	s, ok := text(s)
	return s, ok && !strings.ContainsAny(s, indicators+"\"' #")
}

// Inner takes apart what is below a field that holds a block map.
func (f Field) Inner() (Fields, bool) {
	if f.Value != "" {
		return nil, false
	}
	depth := len(f.Below) - len(strings.TrimLeft(f.Below, " "))
	var b strings.Builder
	for line := range strings.Lines(f.Below) {
		if strings.TrimSpace(line) == "" || strings.TrimLeft(line, " ")[0] == '#' {
			continue
		}
		if len(line) < depth || strings.TrimSpace(line[:depth]) != "" {
			return nil, false
		}
		b.WriteString(line[depth:])
	}
	return Split(b.String())
}
