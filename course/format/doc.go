// Package format holds the built-in labs and the loader of the lab format.
//
// A lab is a folder: lab.yaml says what the world is at the start, what has to
// be done and how that is recognised; solve.sh, alternatives/*.sh and
// mistakes/*.sh are what a learner might type. The types that lab.yaml fills
// are those of package engine, whose struct tags name the fields.
//
// The package knows the format and whether a lab makes sense. It does not know
// how a lab is built, run or shown.
package format
