package nl

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

func TestAttributesComeBack(t *testing.T) {
	for name, as := range map[string]Attrs{
		"none":     nil,
		"empty":    {{1, []byte{}}},
		"odd":      {{1, []byte{1}}, {2, []byte{1, 2, 3}}, {3, []byte{1, 2, 3, 4, 5}}},
		"flagged":  {{1 | unix.NLA_F_NET_BYTEORDER, []byte{0, 0, 0, 1}}, {2 | unix.NLA_F_NESTED, []byte{8, 0, 1, 0, 1, 2, 3, 4}}},
		"repeated": {{1, []byte{1}}, {1, []byte{2}}},
	} {
		b := as.AppendTo(nil)
		if len(b)%4 != 0 {
			t.Errorf("%s: %d bytes are not aligned", name, len(b))
		}
		if got := Parse(b); !reflect.DeepEqual(got, as) {
			t.Errorf("%s: %v came back as %v", name, as, got)
		}
		if got := Parse(b).AppendTo(nil); !bytes.Equal(got, b) {
			t.Errorf("%s: % x was written again as % x", name, b, got)
		}
	}
}

// The bytes are those that the kernel writes on a machine with the lower byte first.
func TestLayout(t *testing.T) {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("a machine with the higher byte first")
	}
	as := Attrs{NewText(3, "lo"), NewHost32(4, 1500), NewNested(18, NewBig32(1, 0x0a000001), Attr{2, []byte{7}})}
	want := []byte{
		7, 0, 3, 0, 'l', 'o', 0, 0,
		8, 0, 4, 0, 0xdc, 5, 0, 0,
		20, 0, 18, 0x80, 8, 0, 1, 0, 10, 0, 0, 1, 5, 0, 2, 0, 7, 0, 0, 0,
	}
	if got := as.AppendTo(nil); !bytes.Equal(got, want) {
		t.Errorf("got % x\nwant % x", got, want)
	}
}

func TestReading(t *testing.T) {
	as := Parse(Attrs{
		NewText(1, "eth0"), NewHost32(2, 1500), NewBig32(3, 0x0a000001),
		NewNested(4, NewBig32(1, 9)), {5, binary.BigEndian.AppendUint64(nil, 1<<40)},
	}.AppendTo(nil))
	if as.Text(1) != "eth0" || as.Host32(2) != 1500 || as.Big32(3) != 0x0a000001 || as.Big64(5) != 1<<40 || as.Nested(4).Big32(1) != 9 {
		t.Errorf("read wrongly: %v", as)
	}
	if as.Has(9) || as.Get(9) != nil || as.Text(9) != "" || as.Host32(9) != 0 || as.Big64(9) != 0 || as.Nested(9) != nil {
		t.Error("something was read of an attribute that is not there")
	}
	if !as.Has(4) || as[3].ID() != 4 || as[3].Type != 4|unix.NLA_F_NESTED {
		t.Error("a flag is taken for a part of the type, or has gone")
	}
	for typ, v := range Each(as.AppendTo(nil)) {
		if !bytes.Equal(v, as.Get(typ)) {
			t.Errorf("attribute %d is % x and % x", typ, v, as.Get(typ))
		}
	}
}

// Of two that have the same type the kernel takes the last. A map did that, a list took
// the first.
func TestOfRepeatedAttributesTheLastCounts(t *testing.T) {
	as := Attrs{{1, []byte{1}}, {2, []byte{2}}, {1 | unix.NLA_F_NESTED, []byte{3}}}
	if got := as.Get(1); !bytes.Equal(got, []byte{3}) {
		t.Errorf("got %v", got)
	}
}

// A number is read by its width. A second reader took one of less than four bytes for
// 0, and of eight bytes the upper half.
func TestNumbers(t *testing.T) {
	for _, c := range []struct {
		b    []byte
		want uint64
	}{
		{nil, 0},
		{[]byte{7}, 7},
		{[]byte{1, 2}, 0x102},
		{[]byte{1, 2, 3, 4}, 0x1020304},
		{[]byte{0, 0, 0, 0, 1, 2, 3, 4}, 0x1020304},
		{[]byte{1, 2, 3, 4, 5, 6, 7, 8, 9}, 0x102030405060708},
	} {
		if got := Big(c.b); got != c.want {
			t.Errorf("Big(% x) = %#x, want %#x", c.b, got, c.want)
		}
	}
	ne := binary.NativeEndian
	for _, c := range []struct {
		b    []byte
		want uint64
	}{
		{nil, 0},
		{[]byte{7}, 7},
		{ne.AppendUint16(nil, 0x102), 0x102},
		{append(ne.AppendUint16(nil, 0x102), 9), 0x102},
		{PutHost32(0x1020304), 0x1020304},
	} {
		if got := Host32(c.b); uint64(got) != c.want {
			t.Errorf("Host32(% x) = %#x, want %#x", c.b, got, c.want)
		}
		if got := Host64(c.b); got != c.want {
			t.Errorf("Host64(% x) = %#x, want %#x", c.b, got, c.want)
		}
	}
	if got := Host64(ne.AppendUint64(nil, 1<<40)); got != 1<<40 {
		t.Errorf("Host64 = %#x", got)
	}
	for text, b := range map[string][]byte{"": nil, "a": {'a', 0, 'b'}, "ab": {'a', 'b'}} {
		if got := Text(b); got != text {
			t.Errorf("Text(% x) = %q, want %q", b, got, text)
		}
	}
}

func TestChanging(t *testing.T) {
	as := Attrs{{1, []byte{1}}, {2 | unix.NLA_F_NESTED, []byte{2}}, {3, []byte{3}}}
	before := as.AppendTo(nil)
	if got, want := as.Without(2), (Attrs{as[0], as[2]}); !reflect.DeepEqual(got, want) {
		t.Errorf("without: %v", got)
	}
	if got, want := as.Only(2, 3), as[1:]; !reflect.DeepEqual(got, want) {
		t.Errorf("only: %v", got)
	}
	got := as.Replace(2, func(v []byte) []byte { return append(slices.Clone(v), 9) })
	if want := (Attrs{as[0], {as[1].Type, []byte{2, 9}}, as[2]}); !reflect.DeepEqual(got, want) {
		t.Errorf("replaced: %v", got)
	}
	if !bytes.Equal(as.AppendTo(nil), before) {
		t.Error("the original has changed")
	}
	buf := as.AppendTo(nil)
	kept := Parse(buf).Clone()
	clear(buf)
	if !bytes.Equal(kept.AppendTo(nil), before) {
		t.Error("a clone hangs on the buffer that it was read from")
	}
}

// What is cut short is left out, and what stands before it is read.
func TestTruncated(t *testing.T) {
	whole := Attrs{{1, []byte{1, 2, 3, 4}}, {2, []byte{5, 6, 7, 8}}}.AppendTo(nil)
	for n := range whole {
		if got := Parse(whole[:n]); len(got) != n/8 {
			t.Errorf("of %d bytes %d attributes were read", n, len(got))
		}
	}
	for name, b := range map[string][]byte{
		"no size":       {0, 0, 1, 0, 1, 2, 3, 4},
		"too small":     append(binary.NativeEndian.AppendUint16(nil, 3), 1, 0, 1, 2),
		"beyond":        append(binary.NativeEndian.AppendUint16(nil, 9), 1, 0, 1, 2, 3, 4),
		"less than any": {4, 0, 0},
	} {
		if got := Parse(b); got != nil {
			t.Errorf("%s: read %v", name, got)
		}
	}
	// The last one may lack its padding.
	b := append(binary.NativeEndian.AppendUint16(nil, 5), 1, 0, 7)
	if got := Parse(b); len(got) != 1 || !bytes.Equal(got[0].Data, []byte{7}) {
		t.Errorf("unpadded: %v", got)
	}
	if got := ParseAfter([]byte{1, 2}, 4); got != nil {
		t.Errorf("behind more than there is: %v", got)
	}
}

// FuzzParse reads anything without a panic; what was read is written and read again as
// the same, and both ways of reading agree.
func FuzzParse(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0xff, 0xff, 1, 0})
	f.Add(Attrs{NewText(1, "lo"), NewNested(2, NewBig32(1, 7), NewHost32(2, 8))}.AppendTo(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		as := Parse(b)
		if got := Parse(as.AppendTo(nil)); !reflect.DeepEqual(got, as) {
			t.Errorf("%v came back as %v", as, got)
		}
		i := 0
		for typ, v := range Each(b) {
			if typ != as[i].ID() || !bytes.Equal(v, as[i].Data) {
				t.Errorf("attribute %d is %d % x, and %v", i, typ, v, as[i])
			}
			i++
		}
		if i != len(as) {
			t.Errorf("%d and %d attributes", i, len(as))
		}
		for _, a := range as {
			_, _, _, _ = Big(a.Data), Host32(a.Data), Host64(a.Data), Text(a.Data)
			for range a.Nested() {
			}
		}
		for m := range Messages(b) {
			_ = m.Err()
			_ = ParseAfter(m.Body, NetfilterLen)
		}
		for hop := range NextHops(b) {
			_ = ParseAfter(hop, unix.SizeofRtNexthop)
		}
	})
}
