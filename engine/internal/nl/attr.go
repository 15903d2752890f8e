// Package nl speaks netlink: attributes, messages, and sockets in a namespace that
// ask, list and write. It knows what all families share and the numbers that two of
// the engine's packages name; what an object is, they know.
//
// It stands beside the netlink libraries for three reasons. Listings are walked
// without a copy, which a snapshot in less than a millisecond takes. An attribute keeps
// its flags and its place, so that what the kernel listed can be given back to it. And a
// listing that changed while it was read is read again in one place.
package nl

import (
	"bytes"
	"encoding/binary"
	"iter"
	"slices"

	"golang.org/x/sys/unix"
)

// headerLen is the size of an attribute without its value (struct nlattr).
const headerLen = 4

// aligned rounds a size up to where the next attribute, message or next hop begins.
func aligned(n int) int { return (n + 3) &^ 3 }

// sized walks what begins with its own size, is at least least bytes long and is
// aligned. It ends where something is cut short.
func sized(b []byte, least int, size func([]byte) int) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for len(b) >= least {
			n := size(b)
			if n < least || n > len(b) || !yield(b[:n:n]) {
				return
			}
			b = b[min(aligned(n), len(b)):]
		}
	}
}

func shortSize(b []byte) int { return int(binary.NativeEndian.Uint16(b)) }

// Each walks the attributes in b: their types without flags, and their values, which
// are parts of b. What is cut short is left out.
func Each(b []byte) iter.Seq2[uint16, []byte] {
	return func(yield func(uint16, []byte) bool) {
		for a := range sized(b, headerLen, shortSize) {
			if !yield(binary.NativeEndian.Uint16(a[2:])&^typeFlags, a[headerLen:]) {
				return
			}
		}
	}
}

// typeFlags are those bits of a type that say how its value is written.
const typeFlags = unix.NLA_F_NESTED | unix.NLA_F_NET_BYTEORDER

// Attr is a netlink attribute. Its type is kept with its flags, so that it goes back
// as it came.
type Attr struct {
	Type uint16
	Data []byte
}

// ID is the type without flags.
func (a Attr) ID() uint16 { return a.Type &^ typeFlags }

// Nested parses the attributes within the attribute.
func (a Attr) Nested() Attrs { return Parse(a.Data) }

// Attrs is a sequence of attributes. Of repeated ones the last counts, as it does
// where the kernel parses them (__nla_validate_parse in lib/nlattr.c).
type Attrs []Attr

// Parse reads the attributes in b. Their values are parts of b. What is cut short is
// left out.
func Parse(b []byte) Attrs {
	n := 0
	for range sized(b, headerLen, shortSize) {
		n++
	}
	if n == 0 {
		return nil
	}
	as := make(Attrs, 0, n)
	for a := range sized(b, headerLen, shortSize) {
		as = append(as, Attr{binary.NativeEndian.Uint16(a[2:]), a[headerLen:]})
	}
	return as
}

// ParseAfter reads the attributes behind a fixed part of n bytes.
func ParseAfter(b []byte, n int) Attrs { return Parse(After(b, n)) }

// After is what is behind a fixed part of n bytes, nothing if b is shorter.
func After(b []byte, n int) []byte { return b[min(n, len(b)):] }

// AppendTo writes the attributes behind b.
func (as Attrs) AppendTo(b []byte) []byte {
	for _, a := range as {
		b = Append(b, a.Type, a.Data)
	}
	return b
}

// Append writes one attribute behind b.
func Append(b []byte, typ uint16, v []byte) []byte {
	b = binary.NativeEndian.AppendUint16(b, uint16(headerLen+len(v)))
	b = binary.NativeEndian.AppendUint16(b, typ)
	return pad(append(b, v...))
}

func pad(b []byte) []byte {
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// Get returns an attribute's value, nil if it is not there.
func (as Attrs) Get(id uint16) []byte {
	for _, a := range slices.Backward(as) {
		if a.ID() == id {
			return a.Data
		}
	}
	return nil
}

// Has reports whether an attribute is there.
func (as Attrs) Has(id uint16) bool {
	return slices.ContainsFunc(as, func(a Attr) bool { return a.ID() == id })
}

// Nested parses the attributes within an attribute.
func (as Attrs) Nested(id uint16) Attrs { return Parse(as.Get(id)) }

// Big32 reads a number as Big does, 0 if it is not there.
func (as Attrs) Big32(id uint16) uint32 { return uint32(Big(as.Get(id))) }

// Big64 reads a number as Big does, 0 if it is not there.
func (as Attrs) Big64(id uint16) uint64 { return Big(as.Get(id)) }

// Host32 reads a number as the function Host32 does, 0 if it is not there.
func (as Attrs) Host32(id uint16) uint32 { return Host32(as.Get(id)) }

// Text reads a text as the function Text does, "" if it is not there.
func (as Attrs) Text(id uint16) string { return Text(as.Get(id)) }

// Without leaves out attributes.
func (as Attrs) Without(ids ...uint16) Attrs {
	return slices.DeleteFunc(slices.Clone(as), func(a Attr) bool { return slices.Contains(ids, a.ID()) })
}

// Only leaves out all others.
func (as Attrs) Only(ids ...uint16) Attrs {
	return slices.DeleteFunc(slices.Clone(as), func(a Attr) bool { return !slices.Contains(ids, a.ID()) })
}

// Replace gives attributes with this id another value, made from theirs.
func (as Attrs) Replace(id uint16, with func(data []byte) []byte) Attrs {
	out := slices.Clone(as)
	for i, a := range out {
		if a.ID() == id {
			out[i].Data = with(a.Data)
		}
	}
	return out
}

// Clone copies the values too, away from the buffer that they are parts of.
func (as Attrs) Clone() Attrs {
	out := make(Attrs, len(as))
	for i, a := range as {
		out[i] = Attr{a.Type, bytes.Clone(a.Data)}
	}
	return out
}

// NewAttr is an attribute with any value.
func NewAttr(typ uint16, v []byte) Attr { return Attr{typ, v} }

// NewText is an attribute with a text that ends in NUL.
func NewText(typ uint16, s string) Attr { return Attr{typ, append([]byte(s), 0)} }

// NewHost32 is an attribute with a number in the machine's byte order, as rtnetlink
// has them.
func NewHost32(typ uint16, v uint32) Attr { return Attr{typ, PutHost32(v)} }

// NewBig32 is an attribute with a number in network byte order, as netfilter has them.
func NewBig32(typ uint16, v uint32) Attr { return Attr{typ, binary.BigEndian.AppendUint32(nil, v)} }

// NewNested is an attribute that holds others, and says so in its type.
func NewNested(typ uint16, as ...Attr) Attr {
	return Attr{typ | unix.NLA_F_NESTED, Attrs(as).AppendTo(nil)}
}

// Big reads a number of up to eight bytes in network byte order; of a longer value
// it takes the first eight.
func Big(b []byte) uint64 {
	var n uint64
	for _, c := range b[:min(len(b), 8)] {
		n = n<<8 | uint64(c)
	}
	return n
}

// Host32 reads a number of one, two or four bytes in the machine's byte order; of a
// longer value it takes the first four bytes.
func Host32(b []byte) uint32 {
	switch {
	case len(b) >= 4:
		return binary.NativeEndian.Uint32(b)
	case len(b) >= 2:
		return uint32(binary.NativeEndian.Uint16(b))
	case len(b) == 1:
		return uint32(b[0])
	}
	return 0
}

// Host64 reads a number of up to eight bytes in the machine's byte order.
func Host64(b []byte) uint64 {
	if len(b) < 8 {
		return uint64(Host32(b))
	}
	return binary.NativeEndian.Uint64(b)
}

// PutHost32 writes a number in the machine's byte order.
func PutHost32(v uint32) []byte { return binary.NativeEndian.AppendUint32(nil, v) }

// Text is the text before the first NUL.
func Text(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}
