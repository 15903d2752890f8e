package format

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"strings"

	"underlay/engine"
)

// formatTexts returns what the comments in engine's source say of each type
// ("Link") and of each field ("Link.A") of the format, on one line.
func formatTexts() map[string]string {
	out := map[string]string{"file.Declared": "Values that each parameter may take; the first is the one of seed 0. ${name} stands for it in every text, and in the scripts."}
	files, err := fs.Glob(engine.Source, "*.go")
	if err != nil {
		panic("labs: " + err.Error()) // the pattern is ours
	}
	for _, name := range files {
		addTexts(out, name)
	}
	return out
}

// addTexts adds what the comments in one file of engine's source say.
func addTexts(out map[string]string, name string) {
	text, err := engine.Source.ReadFile(name)
	if err != nil {
		panic("labs: " + err.Error()) // it is embedded
	}
	source, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments)
	if err != nil {
		panic("labs: engine's own source does not parse: " + err.Error()) // it was compiled
	}
	for _, d := range source.Decls {
		decl, ok := d.(*ast.GenDecl)
		if !ok || decl.Tok != token.TYPE {
			continue
		}
		for _, spec := range decl.Specs {
			typed := spec.(*ast.TypeSpec) //nolint:forcetypeassert // a type declaration has no other
			out[typed.Name.Name] = oneLine(decl.Doc)
			if s, ok := typed.Type.(*ast.StructType); ok {
				for _, f := range s.Fields.List {
					for _, name := range f.Names {
						out[typed.Name.Name+"."+name.Name] = strings.TrimSpace(oneLine(f.Doc) + " " + oneLine(f.Comment))
					}
				}
			}
		}
	}
}

// oneLine returns a comment's first paragraph; the rest of it is about Go.
func oneLine(c *ast.CommentGroup) string {
	text, _, _ := strings.Cut(c.Text(), "\n\n")
	return strings.Join(strings.Fields(text), " ")
}
