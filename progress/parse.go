package progress

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"underlay/engine"
)

// MaxImport is how many bytes Import reads at most: some 100,000 attempts.
const MaxImport = 32 << 20

// parser reads a document and knows where it is in it.
type parser struct {
	text []byte
	dec  *json.Decoder
}

// at is an error with the place of a byte of the text.
func (p *parser) at(offset int64, err error) error {
	offset = min(max(offset, 0), int64(len(p.text)))
	before := p.text[:offset]
	line := bytes.Count(before, []byte("\n")) + 1
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	return engine.Hintf(fmt.Errorf("line %d, column %d: %w", line, column, err),
		"import a file that `underlay progress export` wrote; nothing was changed")
}

// parse reads and validates a whole document.
func parse(r io.Reader) (*document, error) {
	text, err := io.ReadAll(io.LimitReader(r, MaxImport+1))
	if err != nil {
		return nil, fmt.Errorf("read progress: %w", err)
	}
	if len(text) > MaxImport {
		return nil, engine.Hintf(fmt.Errorf("the file is larger than %d MiB", MaxImport>>20),
			"import a file that `underlay progress export` wrote; nothing was changed")
	}
	p := &parser{text: text, dec: json.NewDecoder(bytes.NewReader(text))}
	return p.document()
}

func (p *parser) document() (*document, error) {
	var d document
	if !utf8.Valid(p.text) {
		return nil, p.at(int64(firstInvalid(p.text)), errors.New("not UTF-8 text"))
	}
	if err := p.delim('{', "a progress file begins with {"); err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for p.dec.More() {
		start := p.next()
		token, err := p.dec.Token()
		if err != nil {
			return nil, p.syntax(err)
		}
		key, _ := token.(string) // the decoder lets nothing else be a key
		if seen[key] {
			return nil, p.at(start, fmt.Errorf("%q is there twice", clip(key)))
		}
		seen[key] = true
		if err := p.field(&d, key, start); err != nil {
			return nil, err
		}
	}
	if err := p.delim('}', "} is missing"); err != nil {
		return nil, err
	}
	if _, err := p.dec.Token(); !errors.Is(err, io.EOF) {
		return nil, p.at(p.next(), errors.New("there is more after the end"))
	}
	if !seen["version"] {
		return nil, p.at(0, errors.New(`"version" is missing`))
	}
	return &d, nil
}

func (p *parser) field(d *document, key string, start int64) error {
	switch key {
	case "version":
		if err := p.value(&d.Version); err != nil {
			return err
		}
		switch {
		case d.Version > formatVersion:
			return engine.Hintf(fmt.Errorf("this export has format %d, and this version of Underlay knows up to %d", d.Version, formatVersion),
				"update Underlay; nothing was changed")
		case d.Version < 1:
			return p.at(start, fmt.Errorf("there is no format %d", d.Version))
		}
		return nil
	case "exported":
		return p.value(&d.Exported)
	case "labs":
		return list(p, &d.Labs, (*labEntry).validate)
	case "lessons":
		return list(p, &d.Lessons, (*lessonEntry).validate)
	case "quiz":
		return list(p, &d.Quiz, (*answerEntry).validate)
	}
	return p.at(start, fmt.Errorf("unknown field %q", clip(key)))
}

// list reads an array whose elements are each validated.
func list[T any](p *parser, into *[]T, validate func(*T) error) error {
	if err := p.delim('[', "a list is needed here"); err != nil {
		return err
	}
	for p.dec.More() {
		var v T
		start, err := p.strict(&v)
		if err != nil {
			return err
		}
		if err := validate(&v); err != nil {
			return p.at(start, err)
		}
		*into = append(*into, v)
	}
	return p.delim(']', "] is missing")
}

func (p *parser) value(into any) error {
	_, err := p.strict(into)
	return err
}

// strict reads one value and returns where it starts.
func (p *parser) strict(into any) (start int64, err error) {
	var raw json.RawMessage
	if err := p.dec.Decode(&raw); err != nil {
		return 0, p.syntax(err)
	}
	start = p.dec.InputOffset() - int64(len(raw))
	one := json.NewDecoder(bytes.NewReader(raw))
	one.DisallowUnknownFields()
	err = one.Decode(into)
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong):
		what := "this value"
		if wrong.Field != "" {
			what = fmt.Sprintf("%q", wrong.Field)
		}
		return start, p.at(start+wrong.Offset, fmt.Errorf("%s cannot be a JSON %s", what, wrong.Value))
	case err != nil:
		return start, p.at(start, errors.New(trimJSON(err)))
	}
	return start, nil
}

// delim reads one bracket.
func (p *parser) delim(want json.Delim, complaint string) error {
	start := p.next()
	token, err := p.dec.Token()
	if err != nil {
		return p.syntax(err)
	}
	if token != want {
		return p.at(start, errors.New(complaint))
	}
	return nil
}

// next is where the next token starts.
func (p *parser) next() int64 {
	i := p.dec.InputOffset()
	for i < int64(len(p.text)) && bytes.IndexByte([]byte(" \t\r\n,:"), p.text[i]) >= 0 {
		i++
	}
	return i
}

// syntax places an error of the JSON decoder.
func (p *parser) syntax(err error) error {
	var wrong *json.SyntaxError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return p.at(int64(len(p.text)), errors.New("the file ends too early"))
	case errors.As(err, &wrong):
		return p.at(wrong.Offset-1, errors.New(trimJSON(err)))
	}
	return p.at(p.dec.InputOffset(), errors.New(trimJSON(err)))
}

// trimJSON drops the package's name from its message.
func trimJSON(err error) string {
	return string(bytes.TrimPrefix([]byte(err.Error()), []byte("json: ")))
}

func firstInvalid(b []byte) int {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(b)
}
