package lint

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"underlay/author/draft"
)

//go:embed items.txt
var itemsText string

// item is one statement of the course's source.
type item struct{ verdict, about string }

// items returns the source's statements by number, from 1.
var items = sync.OnceValue(func() []item {
	out := []item{{}}
	for line := range strings.Lines(itemsText) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.SplitN(strings.TrimSpace(line), " ", 3)
		if len(f) != 3 || f[0] != strconv.Itoa(len(out)) {
			panic("lint: items.txt: " + line)
		}
		out = append(out, item{f[1], f[2]})
	}
	return out
})

// covered says which items the lessons cover. Lessons that cover none at all
// are not about the source, and then none is missing.
func covered(ls []draft.Lesson) Items {
	taught := map[int]bool{}
	for _, l := range ls {
		for _, n := range l.Covers {
			if n < len(items()) {
				taught[n] = true
			}
		}
	}
	out := Items{All: len(items()) - 1, Covered: len(taught), Missing: []int{}}
	for n := 1; n < len(items()) && len(taught) > 0; n++ {
		if !taught[n] {
			out.Missing = append(out.Missing, n)
		}
	}
	return out
}

// covers judges what a lesson says of the source's items.
func (c *checker) covers(l *draft.Lesson) {
	judged := map[int]bool{}
	for _, w := range l.Wrongs {
		var found []string
		for _, n := range w.Items {
			judged[n] = true
			if n < len(items()) {
				found = append(found, items()[n].verdict)
			}
		}
		if len(found) > 0 && !slices.Contains(found, w.Verdict) {
			c.errorf("verdict", l.Shown, w.Line, 1, "the verdict is %q, but the fact check found item %d (%s) %s; say so, or give the item its own block",
				w.Verdict, w.Items[0], items()[w.Items[0]].about, found[0])
		}
	}
	line := frontMatterLine(l.Text, "covers")
	for _, n := range l.Covers {
		switch {
		case n >= len(items()):
			c.errorf("covers", l.Shown, line, 1, "there is no source item %d; they go from 1 to %d", n, len(items())-1)
		case !judged[n]:
			c.errorf("covers", l.Shown, line, 1, "item %d (%s) is covered, but no wrong block judges it", n, items()[n].about)
		}
	}
}

// frontMatterLine returns the line of a field of the front matter, or 1.
func frontMatterLine(text, field string) int {
	for i, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(line, field+":") {
			return i + 1
		}
		if i > 0 && strings.TrimSpace(line) == "---" {
			break
		}
	}
	return 1
}

// ranges writes ascending numbers shortly: "1, 4–6".
func ranges(ns []int) string {
	var out []string
	for i := 0; i < len(ns); {
		j := i
		for j+1 < len(ns) && ns[j+1] == ns[j]+1 {
			j++
		}
		switch {
		case j > i+1:
			out = append(out, fmt.Sprintf("%d–%d", ns[i], ns[j]))
			i = j + 1
		default:
			out = append(out, strconv.Itoa(ns[i]))
			i++
		}
	}
	return strings.Join(out, ", ")
}
