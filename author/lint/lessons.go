package lint

import (
	"io/fs"
	"path"
	"regexp"
	"strings"
	"unicode"

	"underlay/author/draft"
	"underlay/course/lesson"
)

// minExplanation is how many words a quiz's explanation has at least: why the
// right answer is right and each wrong one wrong cannot be said in fewer.
const minExplanation = 12

// lesson looks at one lesson.
func (c *checker) lesson(l *draft.Lesson) {
	c.labOf(l)
	c.covers(l)
	for i := range l.Blocks {
		b := &l.Blocks[i]
		if b.Quiz != nil {
			if n := len(strings.Fields(b.Quiz.Explanation)); n < minExplanation {
				c.errorf("quiz", l.Shown, b.Line, 1, "the explanation of quiz %q has %d words; say why the right answer is right and the others are not", b.Quiz.ID, n)
			}
		}
	}
	c.links(l)
}

// labOf judges the lab that a lesson names, and what is run in it.
func (c *checker) labOf(l *draft.Lesson) {
	line := frontMatterLine(l.Text, "lab")
	if l.Lab == "" {
		c.warnf("alone", l.Shown, 1, 1, "the lesson names no lab, so its learners have nothing to try")
	}
	lab, err := c.draft.Lab(l.Lab)
	if l.Lab != "" && err != nil {
		if len(c.draft.Problems) > 0 {
			return // it may be one of those that cannot be read
		}
		c.errorf("link", l.Shown, line, 1, "there is no lab %q", l.Lab)
		return
	}
	for i := range l.Blocks {
		b := &l.Blocks[i]
		switch {
		case b.Run == nil:
		case lab == nil:
			c.errorf("run", l.Shown, b.Line, 1, "run needs a lab to run in; name one with lab: in the front matter")
		default:
			for _, node := range runNodes(b.Run) {
				if lab.Topology.Node(node) == nil {
					c.errorf("run", l.Shown, b.Line, 1, "lab %s has no node %q; its nodes are %s", lab.ID, node, strings.Join(lab.Topology.NodeNames(), ", "))
				}
			}
		}
	}
}

// runNodes are the nodes that a run block types into.
func runNodes(r *lesson.Run) []string {
	out := []string{r.Node}
	for _, t := range append(r.Before, r.During...) {
		out = append(out, t.Node)
	}
	return out
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)[^)]*\)`)
	heading = regexp.MustCompile(`^#{1,6} +(.*?)[ #]*$`)
	scheme  = regexp.MustCompile(`^[a-z][a-z0-9+.-]*:`)
	fenced  = regexp.MustCompile("^ {0,3}(```|~~~)")
)

// links looks every link up: to a heading of the lesson (#…), to a file, or to
// a lesson or lab by its id. Links to the web are left alone.
func (c *checker) links(l *draft.Lesson) {
	inCode := false
	for i, line := range strings.Split(l.Text, "\n") {
		if fenced.MatchString(line) {
			inCode = !inCode
		}
		if inCode {
			continue
		}
		for _, m := range link.FindAllStringSubmatchIndex(withoutCode(line), -1) {
			target := line[m[2]:m[3]]
			if what := c.dead(l, target); what != "" {
				c.errorf("link", l.Shown, i+1, len([]rune(line[:m[2]]))+1, "%s", what)
			}
		}
	}
}

// withoutCode blanks code spans out, of the same length.
func withoutCode(line string) string {
	return codeSpan.ReplaceAllStringFunc(line, func(s string) string { return strings.Repeat(" ", len(s)) })
}

// dead says what is wrong with a link, or "".
func (c *checker) dead(l *draft.Lesson, target string) string {
	if scheme.MatchString(target) {
		return ""
	}
	file, anchor, _ := strings.Cut(target, "#")
	text := l.Text
	switch {
	case file == "":
	case !strings.ContainsAny(file, "./"):
		if other := c.draft.Lesson(file); other != nil {
			text = other.Text
		} else if c.draft.HasLesson(file) || c.draft.HasLab(file) {
			return ""
		} else {
			return "there is no lesson or lab " + file
		}
	default:
		b, err := fs.ReadFile(l.Files, path.Join(path.Dir(l.File), file))
		if err != nil {
			return "there is no file " + file
		}
		text = string(b)
	}
	if anchor != "" && !hasAnchor(text, anchor) {
		return "there is no heading #" + anchor + " there"
	}
	return ""
}

func hasAnchor(text, anchor string) bool {
	for line := range strings.Lines(text) {
		if m := heading.FindStringSubmatch(strings.TrimRight(line, "\n")); m != nil && slug(m[1]) == anchor {
			return true
		}
	}
	return false
}

// slug is a heading's anchor, made as GitHub makes it.
func slug(heading string) string {
	var b strings.Builder
	for _, c := range strings.ToLower(heading) {
		switch {
		case unicode.IsLetter(c), unicode.IsDigit(c), c == '-', c == '_':
			b.WriteRune(c)
		case c == ' ':
			b.WriteByte('-')
		}
	}
	return b.String()
}
