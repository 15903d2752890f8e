package record

import "strings"

// Write returns the text of a lesson with the output of each step that printed
// something else than is shown put in. Everything else stays as it is, and so do
// lines at the beginning and the end of an output that say the same.
func Write(lesson string, steps []Step) string {
	lines := strings.SplitAfter(lesson, "\n")
	for i := len(steps) - 1; i >= 0; i-- { // from the end, so that line numbers stay true
		if s := steps[i]; !s.Same() {
			from, to := output(lines, s)
			printed := strings.SplitAfter(s.Printed+"\n", "\n")
			printed = printed[:len(printed)-1]
			if s.Printed == "" {
				printed = nil
			}
			for len(printed) > 0 && from < to && same(line(lines[from]), line(printed[0]), s.Cluster) {
				from, printed = from+1, printed[1:]
			}
			for len(printed) > 0 && from < to && same(line(lines[to-1]), line(printed[len(printed)-1]), s.Cluster) {
				to, printed = to-1, printed[:len(printed)-1]
			}
			lines = append(lines[:from:from], append(printed, lines[to:]...)...)
		}
	}
	return strings.Join(lines, "")
}

func line(s string) string { return strings.TrimRight(s, "\r\n") }

// output returns the range of lines that a step's output takes up.
func output(lines []string, s Step) (from, to int) {
	fence := strings.TrimSpace(lines[s.Line-1])
	fence = fence[:len(fence)-len(strings.TrimLeft(fence, fence[:1]))]
	step := -1
	for i := s.Line; i < len(lines); i++ {
		end := strings.HasPrefix(strings.TrimSpace(lines[i]), fence)
		command := strings.HasPrefix(lines[i], "$ ") && strings.TrimSpace(lines[i][2:]) != ""
		if step == s.Index && (end || command) {
			return from, i
		}
		if end {
			break
		}
		if command {
			step++
			from = i + 1
		}
	}
	return from, from
}
