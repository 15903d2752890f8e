package prose

import (
	"errors"

	"underlay/engine"
	"underlay/tui/paint"
)

// Problem is an error and what to do about it, in sentences.
func Problem(err error) string {
	text := paint.Sentence(err.Error())
	var e *engine.Error
	if errors.As(err, &e) && e.Hint != "" {
		text += "\n" + paint.Sentence(e.Hint)
	}
	return text
}
