package plain

import (
	"strings"
	"testing"
)

func TestMapInWordsAndDrawn(t *testing.T) {
	s := newFakeSession()
	said, err := tell(t, inLab(s), ":map", "do bridge", ":map", ":map drawn", ":map upside down", ":quit")
	if err != nil {
		t.Fatal(err)
	}
	inOrder(t, said, "host> :map\n\nhost\n  no devices\n\nc1: a client\n  no devices\n", "do bridge",
		"host> :map\n\nhost\n  br0: bridge, no ports, no carrier, received 0, sent 0\n\nc1: a client\n",
		"host> :map drawn\n", "┌ host ─", "┌ c1 · a client", "│ ┏ br0", "no carrier", "packets in and out\n",
		":map says the map in words, :map drawn draws it.")
	if strings.Contains(said, "\n\n\n") {
		t.Errorf("two empty lines in a row:\n%s", said)
	}
}

func TestMapWhereThereIsNoLineDrawing(t *testing.T) {
	s := newFakeSession()
	d := inLab(s)
	d.ASCII = true
	said, err := tell(t, d, "do bridge", ":map drawn", ":quit")
	if err != nil {
		t.Fatal(err)
	}
	_, drawn, _ := strings.Cut(said, ":map drawn")
	drawn, _, _ = strings.Cut(drawn, "host> ")
	inOrder(t, drawn, "+ host -", "+ c1 - a client", "| = br0")
	for _, r := range drawn {
		if r > '~' {
			t.Fatalf("%q in:\n%s", r, drawn)
		}
	}
}

func TestMapWithoutRoomOrLab(t *testing.T) {
	s := newFakeSession()
	d := inLab(s)
	d.Width = 12
	said, err := tell(t, d, ":map drawn", ":quit")
	if err != nil {
		t.Fatal(err)
	}
	if text := strings.Join(strings.Fields(said), " "); !strings.Contains(text, "There is no room to draw it in 12 columns. :map says it in words.") {
		t.Errorf("it said:\n%s", said)
	}
	s = newFakeSession()
	s.closed = true
	said, err = tell(t, inLab(s), ":map", ":quit")
	if err != nil {
		t.Fatal(err)
	}
	inOrder(t, said, "The lab cannot be read now: the lab is closed.")
}
