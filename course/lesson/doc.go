// Package lesson reads lessons: Markdown files with front matter, one folder a
// module, and splits them into the blocks a reader shows one after another.
//
// It knows nothing of labs, screens or scores. A lesson names its lab by id
// only, and a quiz can mark an answer but remembers none.
//
// # The format
//
// A folder is a module. Its module.yaml has id (the folder's name), title, order and
// summary. Each lesson is NUMBER-ID.md; the numbers give the order within the module:
//
//	---
//	id: docker0
//	title: docker0 by hand
//	minutes: 15
//	objectives:
//	  - Build a bridge and plug two containers into it
//	lab: docker0
//	covers: [3, 13, 14]
//	---
//
//	Markdown text, with fenced blocks that the program gives meaning to.
//
// The fenced blocks:
//
//   - quiz: YAML with question, explanation and either options (text, right)
//     or answers with a model answer; optionally id and interview.
//   - predict NODE start|solved: a question that the lesson's lab answers, opened
//     as it is built or as its solution leaves it: YAML with id, question, run
//     (the lines that are typed in NODE's shell once the learner has committed to
//     an answer), options and explanation. Each option has a text and when: checks
//     as in a lab.yaml, which all pass if it came out so; one option's must. No
//     field says which: the kernel does. ${name} stands for a parameter of the lab.
//   - run NODE [start|solved]: commands, each on a line that starts with
//     "$ ", and the output they gave. The second word says in which state of
//     the lab that output was recorded; without it the block goes on in the lab
//     of the run block before it, or at the start if it is the first. Lines
//     "before NODE: COMMAND" and "during NODE: COMMAND" above the first command
//     are not shown: they are typed before it, and while each command runs.
//   - figure [caption]: a picture of at most [FigureColumns] columns, drawn with
//     characters that [ASCII] can map.
//   - wrong: YAML with items, verdict, claim and truth: what common notes say
//     and what holds. It is shown as text and listed in [Lesson.Wrongs].
//   - code in one of the languages text, sh, yaml, json, nft: stays text.
//
// Errors carry file, line and column, say what is wrong and what is allowed;
// Load reports all of them at once.
package lesson
