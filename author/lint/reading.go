package lint

import (
	"regexp"
	"strings"
	"unicode"
)

// What a hint may be at most. Somebody who is stuck reads it in a narrow pane;
// the built-in hints keep to this with room to spare. A misconception's answer
// is one short text, of which the formula can say less, so it has more room.
const (
	maxHintGrade = 9.0
	maxSaysGrade = 12.0
	maxSentence  = 30 // words
)

var (
	codeSpan  = regexp.MustCompile("`[^`]*`")
	paramSpan = regexp.MustCompile(`\$\{\w+\}`)
	ends      = regexp.MustCompile(`[.!?;:]+(\s|$)`)
)

// reading is what the formula needs to know of a text.
type reading struct{ sentences, words, syllables, longest int }

// read counts sentences, words and syllables of prose. A code span is one word
// of one syllable: it is looked at, not read.
func read(texts ...string) reading {
	var r reading
	for _, text := range texts {
		text = paramSpan.ReplaceAllString(codeSpan.ReplaceAllString(text, "x"), "1")
		for _, sentence := range ends.Split(text, -1) {
			words := 0
			for _, w := range strings.Fields(sentence) {
				if strings.ContainsFunc(w, func(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) }) {
					words++
					r.syllables += syllables(w)
				}
			}
			if words > 0 {
				r.sentences++
			}
			r.words += words
			r.longest = max(r.longest, words)
		}
	}
	return r
}

// grade is the school grade that can read the text: the Flesch–Kincaid grade
// level (J. P. Kincaid and others, Derivation of New Readability Formulas for
// Navy Enlisted Personnel, Research Branch Report 8-75, 1975).
func (r reading) grade() float64 {
	if r.words == 0 {
		return 0
	}
	return 0.39*float64(r.words)/float64(r.sentences) + 11.8*float64(r.syllables)/float64(r.words) - 15.59
}

// syllables counts groups of vowels, without a silent e at the end. A word with
// a digit or a dot in it, such as an address, counts as one.
func syllables(word string) int {
	word = strings.ToLower(strings.TrimFunc(word, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) }))
	word = strings.NewReplacer("'s", "", "’s", "").Replace(word)
	if strings.ContainsFunc(word, func(c rune) bool { return !unicode.IsLetter(c) && c != '-' && c != '\'' }) {
		return 1
	}
	n, inVowel := 0, false
	for _, c := range word {
		vowel := strings.ContainsRune("aeiouy", c)
		if vowel && !inVowel {
			n++
		}
		inVowel = vowel
	}
	if n > 1 && strings.HasSuffix(word, "e") && !strings.HasSuffix(word, "le") {
		n--
	}
	return max(1, n)
}
