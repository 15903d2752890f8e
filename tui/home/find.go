package home

import (
	"slices"
	"strings"
	"unicode"
)

// filter makes the rows that show: all, or those that the search finds, the
// best first.
func (h *Home) filter() {
	query := h.find.Value()
	if !h.finding || query == "" {
		h.rows = h.all
		return
	}
	type hit struct {
		row   row
		score int
	}
	var hits []hit
	for _, r := range h.all {
		if r.kind != rowLesson && r.kind != rowLab {
			continue
		}
		var score int
		if score, r.match = r.find(query); score > 0 {
			hits = append(hits, hit{r, score})
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return b.score - a.score })
	h.rows = nil
	for _, x := range hits {
		h.rows = append(h.rows, x.row)
	}
}

// find looks for the query in the title that shows and in the other names that
// the row goes by: a lab's title is in its lesson's row, and nowhere else. match
// are the runes of the title that were found, nil if another name fits better.
func (r row) find(query string) (score int, match []int) {
	score, match = fuzzy(query, r.title)
	var names []string
	if r.lesson != nil {
		names = append(names, r.lesson.ID)
	}
	if r.lab != nil {
		names = append(names, r.lab.ID, r.lab.Title)
	}
	for _, name := range names {
		if s, _ := fuzzy(query, name); s > score {
			score, match = s, nil
		}
	}
	return score, match
}

// fuzzy looks for the letters of query in text, in order. The score is 0 if
// they are not there; runs of letters and beginnings of words count for more.
func fuzzy(query, text string) (score int, at []int) {
	want := []rune(strings.ToLower(strings.Join(strings.Fields(query), "")))
	have := []rune(strings.ToLower(text))
	for from, r := range have {
		if len(want) == 0 || r != want[0] {
			continue
		}
		if s, where := fuzzyFrom(want, have, from); s > score {
			score, at = s, where
		}
	}
	return score, at
}

// fuzzyFrom is fuzzy with the first letter at from.
func fuzzyFrom(want, have []rune, from int) (score int, at []int) {
	run, i := 0, 0
	for j := from; j < len(have) && i < len(want); j++ {
		if have[j] != want[i] {
			run = 0
			continue
		}
		run++
		score += 1 + 2*run
		if j == 0 || !unicode.IsLetter(have[j-1]) && !unicode.IsDigit(have[j-1]) {
			score += 6
		}
		at = append(at, j)
		i++
	}
	if i < len(want) {
		return 0, nil
	}
	return score, at
}
