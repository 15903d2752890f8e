// Package chroma stands in for the syntax highlighter that Glamour imports and
// that Underlay's own Glamour style does not use. The real one reads its
// lexers and styles in package initialisers, which cost 14 ms in every process
// of this binary: each lab's init, each workload, each sudo. go.mod puts this
// module in its place; it holds just the names that Glamour mentions.
package chroma

// TokenType is a kind of token that a style may colour.
type TokenType int

// The kinds that Glamour's configuration names.
const (
	Text TokenType = iota
	Error
	Comment
	CommentPreproc
	Keyword
	KeywordReserved
	KeywordNamespace
	KeywordType
	Operator
	Punctuation
	Name
	NameBuiltin
	NameTag
	NameAttribute
	NameClass
	NameConstant
	NameDecorator
	NameException
	NameFunction
	NameOther
	Literal
	LiteralNumber
	LiteralDate
	LiteralString
	LiteralStringEscape
	GenericDeleted
	GenericEmph
	GenericInserted
	GenericStrong
	GenericSubheading
	Background
)

// StyleEntries says how each kind would be coloured.
type StyleEntries map[TokenType]string

// Style is a named set of entries.
type Style struct{ Name string }

// MustNewStyle returns a style of that name.
func MustNewStyle(name string, _ StyleEntries) *Style { return &Style{Name: name} }
