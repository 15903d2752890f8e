// Package bluemonday stands in for the HTML sanitiser that Glamour strips tags with.
// The real one allows for every attribute and every CSS property, and compiles their
// regular expressions in package initialisers, which cost 6 ms in every process of this
// binary. What Glamour prints goes to a terminal, so nothing is to be made safe:
// taking tags away is all that is left. go.mod puts this module in its place.
package bluemonday

import "strings"

// Policy says what may stay of an HTML text; here that is the text alone.
type Policy struct{}

// StrictPolicy returns the policy that allows no tags.
func StrictPolicy() *Policy { return &Policy{} }

// Sanitize returns the text without tags and comments. Entities stay as they are.
func (*Policy) Sanitize(text string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "<")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		end := ">"
		if strings.HasPrefix(rest, "!--") {
			end = "-->"
		}
		_, text, _ = strings.Cut(rest, end)
	}
}
