package course

import (
	"testing"

	"underlay/labs"
	"underlay/lessons"
)

// BenchmarkPredictions is what opening a lesson waits for.
func BenchmarkPredictions(b *testing.B) {
	book, err := lessons.Builtin()
	if err != nil {
		b.Fatal(err)
	}
	catalogue, err := labs.Builtin()
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
