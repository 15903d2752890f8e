package tui

import (
	"strings"
	"testing"
	"testing/fstest"

	"underlay/course/lesson"
)

const lessonOne = `---
id: docker0
title: docker0 by hand
minutes: 15
objectives:
  - Build a bridge
lab: docker0
covers: [1]
---

# docker0 by hand

A bridge is a *switch* in the kernel. ` + "`docker0`" + ` is one.

## The picture

` + "```figure Two containers and a bridge" + `
┌────┐    ┌────┐
│ c1 │    │ c2 │
└─┬──┘    └─┬──┘
  └─docker0─┘
` + "```" + `

` + "```run host" + `
$ ip -br link show docker0
docker0          UP             02:42:ac:11:00:01 <BROADCAST,MULTICAST,UP,LOWER_UP>
` + "```" + `

## Check yourself

` + "```quiz" + `
id: layer
question: On which layer does a bridge forward?
options:
  - text: Layer 2
    right: true
  - text: Layer 3
explanation: It looks at MAC addresses only.
` + "```" + `

` + "```quiz" + `
id: name
question: What is Docker's bridge called?
answers: [docker0]
model: docker0
explanation: Every installation makes one.
` + "```" + `

| who | what |
| --- | --- |
| c1  | a container |

1. One thing
2. Another

> A remark that is long enough to be wrapped at any width that a lesson is ever shown at, and then a little more.
`

const lessonTwo = `---
id: egress
title: Getting out
minutes: 10
objectives:
  - Find the way out
covers: [2]
---

## Routes

` + "Some text that goes on. " + `
`

func testBook(t testing.TB) *lesson.Book {
	t.Helper()
	book, err := lesson.Load(fstest.MapFS{
		"bridge/module.yaml":  {Data: []byte("id: bridge\ntitle: The bridge\norder: 1\nsummary: Bridges.\n")},
		"bridge/1-docker0.md": {Data: []byte(lessonOne)},
		"bridge/2-egress.md":  {Data: []byte(lessonTwo + strings.Repeat("A line of the lesson that can be read.\n\n", 60))},
	})
	if err != nil {
		t.Fatal(err)
	}
	return book
}
