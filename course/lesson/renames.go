package lesson

import (
	"fmt"
	"io/fs"
	"strings"
	"sync"

	"underlay/course/head"
)

// Renames are the quizzes and predictions of a lesson that had other names once: by each
// name that one had, the one that it has. They are nil where there is none.
type Renames struct{ Quizzes, Predictions map[string]string }

// renamesIn reads a lesson's renames when they are first asked for: an answer is told by
// the name that its question has now, long before the lesson is opened. A file that cannot
// be read has none.
func renamesIn(fsys fs.FS, file string) func() Renames {
	return sync.OnceValue(func() Renames {
		data, err := fs.ReadFile(fsys, file)
		if err != nil {
			return Renames{}
		}
		return readRenames(normalise(data))
	})
}

// readRenames looks into the blocks of a lesson that is right. Most lessons have none that
// says formerly, and of the others no more is parsed than a few lines.
func readRenames(text string) (r Renames) {
	if !strings.Contains(text, "formerly") {
		return r
	}
	_, text, _ = strings.Cut(text, "\n---") // the front matter
	s := &splitter{lines: strings.Split(text, "\n")}
	quizzes := 0
	for s.next < len(s.lines) {
		line := s.lines[s.next]
		s.next++
		if !strings.Contains(line, "```") && !strings.Contains(line, "~~~") {
			continue // as most lines, which is told faster so
		}
		m := fenceRE().FindStringSubmatch(line)
		if m == nil {
			continue
		}
		body, _ := s.fenced(m[1])
		word, _, _ := strings.Cut(strings.TrimSpace(m[2]), " ")
		switch word {
		case "quiz":
			quizzes++
			note(&r.Quizzes, strings.Join(body, "\n"), fmt.Sprintf("q%d", quizzes))
		case "predict":
			note(&r.Predictions, strings.Join(body, "\n"), "")
		}
	}
	return r
}

// note adds what a block says that it was called. id is its name if it gives none.
func note(renames *map[string]string, block, id string) {
	formerly, ok := headNames(block, &id)
	if !ok {
		formerly = parseNames(block, &id)
	}
	for _, old := range formerly {
		if *renames == nil {
			*renames = map[string]string{}
		}
		(*renames)[old] = id
	}
}

// headNames reads the names of a block without parsing it. ok is false for what is not
// written plainly enough.
func headNames(block string, id *string) (formerly []string, ok bool) {
	fields, ok := head.Split(block)
	if field, given := fields["id"]; ok && given {
		*id, ok = field.Text()
	}
	if field, given := fields["formerly"]; ok && given {
		formerly, ok = field.Words()
	}
	return formerly, ok
}

// parseNames parses a block for its names.
func parseNames(block string, id *string) (formerly []string) {
	root, err := (&fragment{}).parse(block)
	pairs, ok := mapping(root)
	if err != nil || !ok {
		return nil
	}
	for _, p := range pairs {
		var one string
		switch p.Key.GetToken().Value {
		case "id":
			_ = decodeNode(p.Value, id) // it is right
		case "formerly":
			if decodeNode(p.Value, &formerly) != nil && decodeNode(p.Value, &one) == nil {
				formerly = []string{one}
			}
		}
	}
	return formerly
}
