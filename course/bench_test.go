package course

import (
	"testing"
)

// BenchmarkOpen is what the first frame waits for.
func BenchmarkOpen(b *testing.B) {
	for b.Loop() {
		if _, err := Open(0); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPredictions is what opening a lesson waits for.
func BenchmarkPredictions(b *testing.B) {
	c, err := Open(0)
	if err != nil {
		b.Fatal(err)
	}
	l, err := c.Book.Lesson("docker0")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := c.Predictions(l); err != nil {
			b.Fatal(err)
		}
	}
}
