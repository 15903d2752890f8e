package term

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle(frameInterval)
		start := time.Now()
		th.mark()
		select {
		case <-th.ready:
		default:
			t.Fatal("the first mark was not signalled at once")
		}
		th.mark()
		th.mark()
		<-th.ready
		if d := time.Since(start); d != frameInterval {
			t.Errorf("the second signal came after %v", d)
		}
		for range 3 { // each key's echo comes at once, the timer of the burst notwithstanding
			th.mark()
			th.pressed()
			before := time.Now()
			th.mark()
			<-th.ready
			if !time.Now().Equal(before) {
				t.Error("an echo was held back")
			}
		}
		signals := 0
		start = time.Now()
		for time.Since(start) < 10*time.Second {
			th.mark()
			time.Sleep(time.Millisecond) // of the bubble's clock
			select {
			case <-th.ready:
				signals++
			default:
			}
		}
		if signals < 500 || signals > 600 {
			t.Errorf("%d signals in ten seconds", signals)
		}
		th.mark()
		th.stop()
		time.Sleep(time.Second)
		th.mark()
	})
}

func TestQueue(t *testing.T) {
	q := newQueue()
	answer := make([]byte, 100)
	for q.put(answer, answerLimit) {
	}
	if len(q.buf) > answerLimit {
		t.Errorf("%d bytes of answers wait", len(q.buf))
	}
	if !q.put(make([]byte, pasteLimit/2), pasteLimit) {
		t.Error("no room for a paste")
	}
	if q.put(make([]byte, pasteLimit), pasteLimit) {
		t.Error("a paste beyond the limit was taken")
	}
	if !q.put([]byte{3}, keyLimit) {
		t.Error("no room for an interrupt")
	}
	total, last := 0, byte(0)
	for want := len(q.buf); total < want; {
		b, ok := q.take()
		if !ok {
			t.Fatal("closed")
		}
		total += len(b)
		last = b[len(b)-1]
	}
	if last != 3 {
		t.Errorf("the last byte is %d", last)
	}
	q.close()
	if _, ok := q.take(); ok {
		t.Error("bytes after close")
	}
	if !q.put([]byte("x"), keyLimit) {
		t.Error("input after the end is reported as lost")
	}
}

func TestTail(t *testing.T) {
	for in, want := range map[string]int{"": 0, "abc": 0, "é": 0, "a\xc3": 1, "a\xe6\xbc": 2, "\xf0\x9f\x98": 3, "a\x80": 0, "\xff": 0} {
		if got := tail([]byte(in)); got != want {
			t.Errorf("tail of %q = %d, want %d", in, got, want)
		}
	}
}
