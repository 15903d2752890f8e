package plain

import (
	"fmt"
	"strings"

	"underlay/attempt"
	"underlay/course/lesson"
	"underlay/engine"
)

// readLesson reads a lesson aloud, with its questions.
func (g *guide) readLesson(id string) error {
	l, err := g.Book.Lesson(id)
	if err != nil {
		return fmt.Errorf("the lesson %s cannot be read: %w", id, err)
	}
	if l == nil {
		return engine.Hintf(fmt.Errorf("there is no lesson or number %q: %w", id, engine.ErrNotFound), "type list to see what there is")
	}
	predictions, err := g.Predictions(l)
	if err != nil {
		return fmt.Errorf("the lesson %s cannot be read: %w", l.ID, err)
	}
	g.blank()
	g.sayf("Lesson: %s. About %s.", l.Title, attempt.Count(l.Minutes, "minute"))
	if g.Interactive {
		g.say("At each pause, Enter goes on and q stops.")
	}
	for i := range l.Blocks {
		g.journal.record(attempt.ReadTo{Lesson: l.ID, Block: i})
		if l.Blocks[i].Kind == lesson.KindPredict {
			if err := g.predict(l, predictions[0]); err != nil {
				return err
			}
			predictions = predictions[1:]
			continue
		}
		goOn, err := g.readBlock(&l.Blocks[i], l.Title, true)
		if err != nil || !goOn {
			return err
		}
	}
	g.journal.record(attempt.ReadTo{Lesson: l.ID, Block: len(l.Blocks) - 1, Done: true})
	g.blank()
	g.say("This is the end of the lesson.")
	if lab := g.findLab(l.Lab); lab != nil {
		g.sayf("Its lab is “%s”. Type: lab %s", lab.Title, lab.ID)
	}
	return nil
}

// readBlock reads one piece of a lesson, and asks its question if ask is set. It
// says whether the learner wants to hear more.
func (g *guide) readBlock(b *lesson.Block, title string, ask bool) (goOn bool, err error) {
	switch b.Kind {
	case lesson.KindText:
		return g.readText(b.Text, title, ask && g.Interactive)
	case lesson.KindFigure:
		g.readFigure(b.Figure)
	case lesson.KindRun:
		g.readRun(b.Run)
	case lesson.KindQuiz:
		if ask {
			return true, g.quiz(b.Quiz)
		}
	}
	return true, nil
}

// readText reads Markdown; before each heading it may pause.
func (g *guide) readText(src, title string, pause bool) (goOn bool, err error) {
	for _, s := range sections(src, g.width) {
		if s.heading != "" && s.heading != title {
			if pause {
				line, err := g.ask("(Enter goes on) ", meanwhile{})
				if err != nil || strings.HasPrefix(strings.TrimPrefix(strings.TrimSpace(strings.ToLower(line)), ":"), "q") {
					return false, err
				}
			}
			g.println("", s.heading)
		}
		if len(s.lines) > 0 {
			g.blank()
			g.println(trimBlank(s.lines)...)
		}
	}
	return true, nil
}

func trimBlank(lines []string) []string {
	for len(lines) > 0 && lines[0] == "" {
		lines = lines[1:]
	}
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

func (g *guide) readFigure(f *lesson.Figure) {
	text := f.Text
	if g.ASCII {
		text = f.ASCII()
	}
	g.println("", strings.TrimSuffix("Figure: "+f.Caption, ": "), "")
	g.println(strings.Split(text, "\n")...)
}

func (g *guide) readRun(r *lesson.Run) {
	g.println("", "Typed in "+r.Node+":", "")
	for _, step := range r.Steps {
		g.readStep(step.Command, step.Output)
	}
}

// readStep reads one command and what it printed.
func (g *guide) readStep(command, output string) {
	g.println("    $ " + strings.ReplaceAll(command, "\n", "\n    > "))
	if output != "" {
		g.println("    " + strings.ReplaceAll(output, "\n", "\n    "))
	}
}

// quiz asks a question until it is answered rightly or given up.
func (g *guide) quiz(q *lesson.Quiz) error {
	g.println("", "Question")
	g.readMarkdown(q.Question)
	for i, o := range q.Options {
		g.item(fmt.Sprintf("  %c. ", 'a'+i), o.Text)
	}
	prompt := "Your answer, or Enter to go on: "
	if q.Multiple() {
		prompt = "More than one is right. Your answers, or Enter to go on: "
	}
	for {
		line, err := g.ask(prompt, meanwhile{})
		if err != nil {
			return err
		}
		if strings.TrimSpace(line) == "" {
			g.giveUp(q)
			return nil
		}
		answer, err := q.Parse(line)
		if err != nil {
			g.say(sentenceCase(err.Error()))
			continue
		}
		right := q.Mark(answer)
		g.journal.record(attempt.QuizMarked{Quiz: q.ID, Right: right})
		if right {
			g.say("Right.")
			g.explain(q)
			return nil
		}
		g.say("Not quite. You can try again, or press Enter to hear why.")
	}
}

// giveUp says what would have been right.
func (g *guide) giveUp(q *lesson.Quiz) {
	var right []string
	for _, i := range q.Right() {
		right = append(right, string(rune('a'+i)))
	}
	if len(right) > 0 {
		g.sayf("Right is: %s.", strings.Join(right, ", "))
	}
	g.explain(q)
}

func (g *guide) explain(q *lesson.Quiz) {
	if q.Model != "" {
		g.readMarkdown("A good answer: " + q.Model)
	}
	g.readMarkdown(q.Explanation)
}

func (g *guide) readMarkdown(src string) {
	for _, s := range sections(src, g.width) {
		g.println(trimBlank(s.lines)...)
	}
}
