package proxy

import (
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
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
	only := func(version string) map[types.UID]string { return map[types.UID]string{"web": version} }
	none := map[types.UID]string{}
	steps := []struct {
		what   string
		do     func()
		wanted map[types.UID]string // versions that are asked about
		up     bool
		asked  int
	}{
		{"nothing is told, and nothing there", func() { written = begin }, none, true, 0},
		{"nothing is told", func() {}, only("1"), false, 0},
		{"told, nothing written since", func() { p.note(service("1")) }, only("1"), false, 1},
		{"nothing yet", func() {}, only("1"), false, 1},
		{"one writing has ended", func() { written = time.Now().Add(time.Millisecond) }, only("1"), false, 2},
		{"none since", func() {}, only("1"), false, 2},
		{"a second has ended", func() { written = written.Add(time.Millisecond) }, only("1"), true, 2},
		{"a version that was not told", func() {}, only("2"), false, 2},
		{"told that too", func() { time.Sleep(3 * time.Millisecond); p.note(service("2")) }, only("2"), false, 3},
		{"one writing has ended since", func() { written = time.Now().Add(time.Millisecond) }, only("2"), false, 4},
		{"a second has ended since", func() { written = written.Add(time.Millisecond) }, only("2"), true, 4},
		{"it is gone, and that was not told", func() {}, none, false, 4},
		{"told that it is gone", func() { p.forget(service("2")) }, only("2"), false, 4},
		{"nothing written since", func() { written = begin }, none, false, 5},
		{"one writing has ended since it is gone", func() { written = time.Now().Add(time.Millisecond) }, none, false, 6},
		{"a second has ended since it is gone", func() { written = written.Add(time.Millisecond) }, none, true, 6},
	}
	for _, s := range steps {
		s.do()
		if up := p.caughtUp(s.wanted); up != s.up || asked != s.asked {
			t.Errorf("%s: caught up %v, wanted %v; asked for %d writings, wanted %d", s.what, up, s.up, asked, s.asked)
		}
	}
}
