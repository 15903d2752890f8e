package plain

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"underlay/engine"
)

// sayError says what went wrong and what to do about it.
func (t *talk) sayError(err error) {
	t.say(sentenceCase(err.Error()))
	var hinted *engine.Error
	if errors.As(err, &hinted) && hinted.Hint != "" {
		t.say("What to do: " + hinted.Hint)
	}
}

// sentenceCase makes a sentence of an error's words.
func sentenceCase(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return s
	}
	s = string(unicode.ToUpper(r)) + s[n:]
	if !strings.ContainsAny(s[len(s)-1:], ".!?:") {
		s += "."
	}
	return s
}
