package sandbox

import _ "embed"

// bashrc is what every interactive bash in a world reads, the learner's own
// nested ones included.
//
//go:embed bashrc
var bashrc string

//go:embed inputrc
var inputrc string
