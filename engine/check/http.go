package check

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"underlay/engine"
	"underlay/engine/probe"
)

// requestWords say what a request has of its own.
func requestWords(h engine.HTTP) []string {
	var out []string
	if h.Method != "" {
		out = append(out, "to "+h.Method)
	}
	for _, name := range slices.Sorted(maps.Keys(h.Headers)) {
		out = append(out, fmt.Sprintf("with %s: %s", name, h.Headers[name]))
	}
	return out
}

// httpWords say how the reply must be.
func httpWords(h engine.HTTP) []string {
	var out []string
	if h.Status != 0 {
		out = append(out, fmt.Sprintf("the status is %d", h.Status))
	}
	for _, name := range slices.Sorted(maps.Keys(h.Reply)) {
		out = append(out, "the reply has "+headerWords(name, h.Reply[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(h.Seen)) {
		out = append(out, "the server gets "+headerWords(name, h.Seen[name]))
	}
	return out
}

func headerWords(name, value string) string {
	switch value {
	case engine.NoHeader:
		return "no header " + name
	case engine.AnyHeader:
		return "a header " + name
	}
	return name + ": " + value
}

// httpMismatch fails for what is wrong with a reply over HTTP: its status first, which
// tells most. It is no verdict if nothing is.
func httpMismatch(c engine.TrafficCheck, out probe.Outcome) verdict {
	h := c.HTTP
	switch {
	case out.Status == 0:
		return fail("traffic.not-http", args{})
	case h.Status != 0 && out.Status != h.Status:
		return fail("traffic.status", args{Status: out.Status, Value: out.Reply["Location"]})
	}
	if name, value, wrong := wrongHeader(h.Reply, out.Reply); wrong {
		return fail("traffic.reply", args{Name: name, Value: value})
	}
	if len(h.Seen) > 0 && out.Seen == nil {
		return servedByAnother(c, probe.Outcome{})
	}
	if name, value, wrong := wrongHeader(h.Seen, out.Seen); wrong {
		return fail("traffic.seen", args{Name: name, Value: value})
	}
	return verdict{}
}

// wrongHeader returns the first header, by name, that is not as it must be, and what it
// is: empty if it is not there.
func wrongHeader(want engine.Headers, got map[string]string) (name, value string, wrong bool) {
	for _, name := range slices.Sorted(maps.Keys(want)) {
		value, there := got[http.CanonicalHeaderKey(name)]
		ok := there && strings.TrimSpace(value) == want[name]
		switch want[name] {
		case engine.NoHeader:
			ok = !there
		case engine.AnyHeader:
			ok = there
		}
		if !ok {
			return name, value, true
		}
	}
	return "", "", false
}
