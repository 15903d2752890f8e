package plain

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"underlay/engine"
)

// command is a line for the tutor. A colon followed by a space is the shell's own.
var command = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\s*:([a-z?]+)(?:\s+(.*))?$`) })

// split returns a command's name and the rest, or no name and the trimmed line.
func split(line string) (name, rest string) {
	if m := command().FindStringSubmatch(line); m != nil {
		return m[1], strings.TrimSpace(m[2])
	}
	return "", strings.TrimSpace(line)
}

func isCommand(line, name string) bool {
	n, _ := split(line)
	return n == name
}

// command does what a line for the tutor asks.
func (v *visit) command(name, rest string) error {
	switch name {
	case "tasks", "t":
		v.tasks()
	case "hint", "h":
		v.hint(rest)
	case "lesson":
		return v.lesson()
	case "node", "n":
		return v.goTo(rest)
	case "undo":
		return v.undo(rest)
	case "diff":
		v.diff(rest)
	case "checkpoints":
		v.checkpoints()
	case "map", "m":
		v.showMap(rest)
	case "trace":
		return v.trace(rest)
	case "reset":
		return v.reset()
	case "solution":
		return v.solution()
	case "answer", "a":
		v.answer(rest)
	case "cause", "c":
		v.cause(rest)
	case "stop":
		return v.stop()
	case "help", "?":
		v.commandHelp()
	case "quit", "q":
		v.leaving = true
	default:
		v.sayf("There is no command :%s. :help lists them. To send this line to the shell, put a backslash before the colon.", name)
	}
	return nil
}

func (v *visit) commandHelp() {
	for _, row := range [][2]string{
		{":tasks", "how each task stands, and why"},
		{":hint", "the next hint for the current task; :hint 2 for task 2"},
		{":lesson", "the lesson of this lab"},
		{":node NAME", "go to another node's shell: " + strings.Join(v.lab.Topology.NodeNames(), ", ")},
		{":map", "what each node holds now, and how it is connected; :map drawn draws it"},
		{":trace TO", "send a packet and hear where it died; :trace FROM TO from another node, :trace the one that fails the current task"},
		{":answer TEXT", "answer the question of a task"},
		{":cause", "what could be broken in a broken lab; :cause b chooses"},
		{":stop", "stop a program that waits for input, as Ctrl-C does"},
		{":undo", "go back to the last checkpoint; :undo 2 to checkpoint 2, :undo 0 to the start"},
		{":diff", "what has changed since the last checkpoint; :diff 2 since checkpoint 2"},
		{":checkpoints", "the states you can go back to: the start and every task done"},
		{":reset", "rebuild the lab"},
		{":solution", "show a solution"},
		{":quit", "leave the lab; the end of the input does the same"},
	} {
		v.println(fmt.Sprintf("  %-13s %s", row[0], row[1]))
	}
	v.say("Everything else goes to the shell. Ctrl-C stops the program running there.")
}

// hint gives the next hint of a task, the current one unless a number is given. Where
// all were given, the last one is said again.
func (v *visit) hint(number string) {
	v.announce(v.session.Status(), false)
	i := v.attempt.Current()
	if number != "" {
		n, err := strconv.Atoi(number)
		if err != nil || n < 1 || n > len(v.lab.Tasks) {
			v.sayf("There is no task %s; they are numbered 1 to %d.", number, len(v.lab.Tasks))
			return
		}
		i = n - 1
	}
	no := v.attempt.NoHint(i)
	if no == "" {
		v.tell(v.attempt.Hint(i))
		return
	}
	v.say(sentenceCase(no))
	if i < 0 || v.attempt.Done(i) {
		return
	}
	if given, of := v.attempt.Hints(i); len(given) > 0 {
		v.sayHint(i, len(given), of, given[len(given)-1])
	}
}

func (v *visit) sayHint(i, tier, of int, text string) {
	v.sayf("Task %d: %s", i+1, v.lab.Tasks[i].Goal)
	v.item(fmt.Sprintf("Hint %d of %d: ", tier, of), text)
}

// lesson reads the lab's lesson, without its questions.
func (v *visit) lesson() error {
	id, _ := engine.SplitID(v.lab.ID)
	info := v.Book.ForLab(id)
	if info == nil {
		v.say("This lab has no lesson.")
		return nil
	}
	l, err := v.Book.Lesson(info.ID)
	if err != nil {
		v.sayError(fmt.Errorf("the lesson %s cannot be read: %w", info.ID, err))
		return nil
	}
	v.sayf("Lesson: %s.", l.Title)
	for i := range l.Blocks {
		if _, err := v.readBlock(&l.Blocks[i], l.Title, false); err != nil {
			return err
		}
	}
	v.println("", "This is the end of the lesson.")
	return nil
}

// goTo goes to another node's shell.
func (v *visit) goTo(name string) error {
	switch {
	case name == "":
		v.sayf("You are in %s. The nodes are: %s.", v.node, strings.Join(v.lab.Topology.NodeNames(), ", "))
		return nil
	case !slices.Contains(v.lab.Topology.NodeNames(), name):
		v.sayf("There is no node %s. The nodes are: %s.", name, strings.Join(v.lab.Topology.NodeNames(), ", "))
		return nil
	}
	v.node = name
	sh, err := v.shell()
	if err == nil {
		v.at.Store(sh)
		v.sayf("You are in %s.", name)
	}
	return err
}

func (v *visit) reset() error {
	yes, err := v.sure("This rebuilds the lab. Everything done in it is thrown away.")
	if err != nil || !yes {
		return err
	}
	for _, sh := range v.shells {
		v.hangUp(sh)
	}
	if err := v.session.Reset(v.ctx); err != nil {
		v.sayError(err)
		return nil
	}
	v.settled = false
	v.tell(v.attempt.Reset(v.session.Status()))
	v.say("The lab is as it was at the start.")
	_, err = v.shell()
	return err
}

func (v *visit) solution() error {
	if no := v.attempt.NoSolution(); no != "" {
		v.say(sentenceCase(no))
		return nil
	}
	what := "solution"
	if v.lab.Fault != nil {
		what = "repair"
	}
	if !v.attempt.Peeked() {
		yes, err := v.sure("This shows a whole " + what + ". Underlay records that you looked.")
		if err != nil || !yes {
			return err
		}
	}
	v.tell(v.attempt.ShowSolution())
	v.println("The "+what+", typed in "+v.attempt.SolutionNode()+":", "")
	for _, l := range strings.Split(strings.TrimSpace(v.lab.Solution.Text), "\n") {
		v.println("    " + l)
	}
	v.blank()
	return nil
}

// answer answers the question of the current task or else, if that asks nothing, the
// first open one.
func (v *visit) answer(text string) {
	v.announce(v.session.Status(), false)
	switch q, no := v.attempt.Asked(v.attempt.Current()); {
	case no != "":
		v.say(sentenceCase(no))
	case len(q.Options) > 0:
		v.cause(text)
	case text == "":
		v.say(q.Prompt + " Type :answer and your answer.")
	default:
		v.give(q.Index, text)
	}
}

// give hands in an answer, and waits for what is said of it.
func (v *visit) give(i int, text string) {
	events, no := v.attempt.Answer(i, text)
	if no != "" {
		v.say(sentenceCase(no))
		return
	}
	v.tell(events)
	v.settle(v.patience())
	if v.attempt.Pending(i) {
		v.say("Your answer is still being judged.")
	}
}
