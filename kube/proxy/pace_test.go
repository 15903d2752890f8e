package proxy

import (
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A writing that had begun before an object was told, and ends afterwards, is not
// about it.
func TestCaughtUpWithTheSecondWriting(t *testing.T) {
	begin := time.Now()
	var written time.Time
	asked := 0
	p := pace{written: func() time.Time { return written }, again: func() { asked++ }}
	service := func(version string) *v1.Service {
		return &v1.Service{ObjectMeta: metav1.ObjectMeta{UID: "web", ResourceVersion: version}}
	}
	steps := []struct {
		what   string
		do     func()
		wanted string // version that is asked about
		up     bool
		asked  int
	}{
		{"nothing is told", func() { written = begin }, "1", false, 0},
		{"told, nothing written since", func() { p.note(service("1")) }, "1", false, 1},
		{"nothing yet", func() {}, "1", false, 1},
		{"one writing has ended", func() { written = time.Now().Add(time.Millisecond) }, "1", false, 2},
		{"none since", func() {}, "1", false, 2},
		{"a second has ended", func() { written = written.Add(time.Millisecond) }, "1", true, 2},
		{"a version that was not told", func() {}, "2", false, 2},
		{"told that too", func() { time.Sleep(3 * time.Millisecond); p.note(service("2")) }, "2", false, 3},
		{"one writing has ended since", func() { written = time.Now().Add(time.Millisecond) }, "2", false, 4},
		{"a second has ended since", func() { written = written.Add(time.Millisecond) }, "2", true, 4},
	}
	for _, s := range steps {
		s.do()
		if up := p.caughtUp(service(s.wanted)); up != s.up || asked != s.asked {
			t.Errorf("%s: caught up %v, wanted %v; asked for %d writings, wanted %d", s.what, up, s.up, asked, s.asked)
		}
	}
}
