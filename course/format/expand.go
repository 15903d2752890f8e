package format

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"underlay/engine"
)

// ExpandScript puts the values of a lab's parameters in place of their ${name} in a shell
// script. Other ${…} are left as they are, and so are parameters to which the script itself
// gives a value (name=…, for name in …, read name): they are the shell's.
func ExpandScript(lab *engine.Lab, script string) string {
	if !lab.Uses(script) {
		return script
	}
	return lab.Expand(script, given(script)...)
}

// given are the names of the variables that a script gives a value. Of one with a mistake in
// its syntax it is those that can be told line by line, as a shell in a terminal reads it.
func given(script string) []string {
	p := syntax.NewParser(syntax.Variant(syntax.LangBash))
	file, err := p.Parse(strings.NewReader(script), "")
	if err == nil {
		return givenIn(file)
	}
	var names []string
	for line := range strings.Lines(script) {
		if file, err := p.Parse(strings.NewReader(line), ""); err == nil {
			names = append(names, givenIn(file)...)
		}
	}
	return names
}

func givenIn(file *syntax.File) (names []string) {
	add := func(l *syntax.Lit) {
		if l != nil {
			names = append(names, l.Value)
		}
	}
	syntax.Walk(file, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Assign: // before a command, by itself, and after declare, export, local …
			add(n.Name)
		case *syntax.WordIter: // for name in …, select name in …
			add(n.Name)
		case *syntax.ParamExp: // ${name:=value}
			if n.Exp != nil && (n.Exp.Op == syntax.AssignUnset || n.Exp.Op == syntax.AssignUnsetOrNull) {
				add(n.Param)
			}
		case *syntax.BinaryArithm: // ((name = 1)), ((name += 1))
			if assigns[n.Op] {
				names = append(names, literal(n.X))
			}
		case *syntax.UnaryArithm: // ((name++))
			if n.Op == syntax.Inc || n.Op == syntax.Dec {
				names = append(names, literal(n.X))
			}
		case *syntax.CallExpr:
			names = append(names, builtin(n.Args)...)
		}
		return true
	})
	return names
}

// assigns are the operators of arithmetic that give a variable a value.
var assigns = map[syntax.BinAritOperator]bool{
	syntax.Assgn: true, syntax.AddAssgn: true, syntax.SubAssgn: true, syntax.MulAssgn: true, syntax.QuoAssgn: true, syntax.RemAssgn: true,
	syntax.AndAssgn: true, syntax.OrAssgn: true, syntax.XorAssgn: true, syntax.ShlAssgn: true, syntax.ShrAssgn: true,
}

// literal is the text of a word without any expansion, or "".
func literal(n syntax.Node) string {
	if w, ok := n.(*syntax.Word); ok {
		return w.Lit()
	}
	return ""
}

// builtin are the words that may be names of variables which a command of the shell gives a
// value.
func builtin(words []*syntax.Word) (names []string) {
	if len(words) == 0 {
		return nil
	}
	switch words[0].Lit() {
	case "read", "mapfile", "readarray", "unset":
		for _, w := range words[1:] {
			names = append(names, w.Lit())
		}
	case "getopts":
		if len(words) > 2 {
			names = append(names, words[2].Lit())
		}
	case "printf":
		if len(words) > 2 && words[1].Lit() == "-v" {
			names = append(names, words[2].Lit())
		}
	}
	return names
}
