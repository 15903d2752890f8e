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
		v.trace(rest)
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
		v.sayf("There is no command :%s. :help says which there are. To give this line to the shell, put a backslash before the colon.", name)
	}
	return nil
}

func (v *visit) commandHelp() {
	for _, row := range [][2]string{
		{":tasks", "how each task stands, and what was found"},
		{":hint", "the next hint for the current task; :hint 2 for task 2"},
		{":lesson", "the lesson of this lab"},
		{":node NAME", "go to another node's shell: " + strings.Join(v.lab.Topology.NodeNames(), ", ")},
		{":map", "what each node holds now, and how it is connected; :map drawn draws it"},
		{":trace TO", "send a packet and hear where it died; :trace FROM TO from another node, :trace the one that the current task fails for"},
		{":answer TEXT", "answer the question of a task"},
		{":cause", "what could be broken, where something is; :cause b chooses"},
		{":stop", "stop a program that waits for input, as Ctrl-C does"},
		{":undo", "go back to the last checkpoint; :undo 2 to checkpoint 2, :undo 0 to the start"},
		{":diff", "what has changed since the last checkpoint; :diff 2 since checkpoint 2"},
		{":checkpoints", "the states that can be gone back to: the start and every task done"},
		{":reset", "build the lab anew"},
		{":solution", "show a solution"},
		{":quit", "leave the lab; the end of the input does the same"},
	} {
		v.println(fmt.Sprintf("  %-13s %s", row[0], row[1]))
	}
	v.say("Everything else is typed into the shell. Ctrl-C stops the program that runs there.")
}

// hint gives the next hint of a task, the current one unless a number is given.
func (v *visit) hint(number string) {
	st := v.session.Status()
	i := v.current(&st)
	if number != "" {
		n, err := strconv.Atoi(number)
		if err != nil || n < 1 || n > len(v.lab.Tasks) {
			v.sayf("There is no task %s; they are numbered 1 to %d.", number, len(v.lab.Tasks))
			return
		}
		i = n - 1
	}
	task := &v.lab.Tasks[i]
	if v.done[task.ID] {
		v.sayf("Task %d is done.", i+1)
		return
	}
	tiers := task.Hints.Tiers()
	if len(tiers) == 0 {
		v.sayf("Task %d has no hints.", i+1)
		return
	}
	tier := min(v.hints[task.ID]+1, len(tiers))
	if tier > v.hints[task.ID] {
		v.asked++
	}
	v.hints[task.ID] = tier
	v.attempt.hinted(task.ID, tier)
	v.sayf("Task %d: %s", i+1, task.Goal)
	v.item(fmt.Sprintf("Hint %d of %d: ", tier, len(tiers)), tiers[tier-1])
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
	yes, err := v.sure("This builds the lab anew. Everything done in it is thrown away.")
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
	v.attempt.reset()
	v.start(v.session.Status())
	v.say("The lab is as it was at the start.")
	_, err = v.shell()
	return err
}

func (v *visit) solution() error {
	if !v.peeked {
		yes, err := v.sure("This shows a whole solution. It is remembered that you looked.")
		if err != nil || !yes {
			return err
		}
	}
	v.peeked = true
	v.attempt.peeked()
	node := v.lab.Solution.Node
	if node == "" {
		node = v.lab.Topology.FirstShell()
	}
	v.println("The solution, typed in "+node+":", "")
	for _, l := range strings.Split(strings.TrimSpace(v.lab.Solution.Text), "\n") {
		v.println("    " + l)
	}
	v.blank()
	return nil
}

// answer answers the first open question of the lab, the current task's if it has one.
func (v *visit) answer(text string) {
	st := v.session.Status()
	at := -1
	for i := range v.lab.Tasks {
		if question(&v.lab.Tasks[i]) == "" || v.done[v.lab.Tasks[i].ID] {
			continue
		}
		if at < 0 || i == v.current(&st) {
			at = i
		}
	}
	switch {
	case at < 0:
		v.say("No task waits for an answer.")
		return
	case text == "":
		v.say(question(&v.lab.Tasks[at]) + " Type :answer and your answer.")
		return
	}
	v.give(at, text)
}

// give gives an answer to a task and says what is not right about it.
func (v *visit) give(at int, text string) {
	task := &v.lab.Tasks[at]
	v.session.Answer(task.ID, text)
	v.settle(v.patience())
	if !v.done[task.ID] {
		after := v.session.Status()
		r := v.result(&after, at)
		v.sayf("That does not do it yet. Task %d: %s", at+1, task.Goal)
		v.details(at, &r)
	}
}
