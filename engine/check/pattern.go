package check

import (
	"regexp"
	"sync"
)

// patterns remembers what compiled has compiled: a lab's few checks are judged over and
// over.
var patterns sync.Map

// compiled compiles a check's pattern, once.
func compiled(match string) (*regexp.Regexp, error) {
	if known, ok := patterns.Load(match); ok {
		return known.(*regexp.Regexp), nil //nolint:forcetypeassert // nothing else is stored
	}
	pattern, err := regexp.Compile(match)
	if err == nil {
		patterns.Store(match, pattern)
	}
	return pattern, err
}
