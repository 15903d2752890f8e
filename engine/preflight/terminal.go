package preflight

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"
)

// The size from which on the screen shows everything in one pane at least.
const (
	minCols = 80
	minRows = 24
)

// terminalFindings says whether the terminal is good enough for the tutor's
// screen. Nothing of it is required: `underlay try` needs none.
func (m *machine) terminalFindings() []Finding {
	return []Finding{m.termFinding(), sizeFinding(), m.localeFinding()}
}

func (m *machine) termFinding() Finding {
	f := Finding{ID: "terminal/type", Title: "Terminal type", OK: true, Detail: "TERM is " + m.env("TERM")}
	switch name := m.env("TERM"); name {
	case "":
		f.OK, f.Detail, f.Remedy = false, "TERM is not set", "export TERM=xterm-256color"
	case "dumb", "unknown":
		f.OK, f.Detail, f.Remedy = false, "a "+name+" terminal cannot show the screen", "use a terminal program, or export TERM=xterm-256color if this is one"
	}
	return f
}

func sizeFinding() Finding {
	f := Finding{ID: "terminal/size", Title: "Terminal size"}
	for _, std := range []*os.File{os.Stdout, os.Stderr, os.Stdin} {
		cols, rows, err := term.GetSize(int(std.Fd()))
		if err != nil || cols == 0 {
			continue
		}
		f.Detail = fmt.Sprintf("%d × %d", cols, rows)
		if f.OK = cols >= minCols && rows >= minRows; !f.OK {
			f.Remedy = fmt.Sprintf("make the window at least %d × %d", minCols, minRows)
		}
		return f
	}
	f.Detail, f.Remedy = "this is not a terminal", "run underlay in a terminal"
	return f
}

func (m *machine) localeFinding() Finding {
	f := Finding{ID: "terminal/utf-8", Title: "Characters (UTF-8)"}
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		value := m.env(name)
		if value == "" {
			continue
		}
		f.Detail = name + " is " + value
		plain := strings.ToLower(strings.ReplaceAll(value, "-", ""))
		if f.OK = strings.Contains(plain, "utf8"); !f.OK {
			f.Remedy = "export LC_ALL=C.UTF-8, or start underlay with --ascii"
		}
		return f
	}
	f.Detail, f.Remedy = "no locale is set", "export LC_ALL=C.UTF-8, or start underlay with --ascii"
	return f
}
