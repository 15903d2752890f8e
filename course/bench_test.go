package course

import (
	"testing"

	"underlay/course/format"
	"underlay/course/lesson"
)

// BenchmarkPredictions is what opening a lesson waits for.
func BenchmarkPredictions(b *testing.B) {
	book, err := lesson.Builtin()
	if err != nil {
		b.Fatal(err)
	}
	catalogue, err := format.Builtin()
	if err != nil {
		b.Fatal(err)
	}
	l := book.Lesson("docker0")
	lab, err := catalogue.Lab(l.Lab)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Predictions(l, lab); err != nil {
			b.Fatal(err)
		}
	}
}
