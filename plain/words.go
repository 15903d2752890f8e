package plain

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"underlay/course/lesson"
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

// count is a number of things in words.
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// span is a duration as people say it.
func span(d time.Duration) string {
	if s := int(d.Round(time.Second) / time.Second); s < 100 {
		return count(s, "second")
	}
	return count(int(d.Round(time.Minute)/time.Minute), "minute")
}

// help says in words what help was taken.
func help(hints int, peeked bool) string {
	switch {
	case peeked:
		return "with the solution in view"
	case hints == 0:
		return "without a hint"
	}
	return "with " + count(hints, "hint")
}

// lessonAfter is the lesson that follows the one of a lab, or nil.
func lessonAfter(b *lesson.Book, lab string) *lesson.Info {
	seen := false
	for _, l := range b.Lessons() {
		if seen && l.Lab != lab {
			return l
		}
		seen = seen || l.Lab == lab
	}
	return nil
}
