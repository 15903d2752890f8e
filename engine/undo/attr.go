package undo

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// attr is a netlink attribute. Its type is kept with its flags, so that it goes
// back as it came.
type attr struct {
	typ  uint16
	data []byte
}

// id is the type without NLA_F_NESTED and NLA_F_NET_BYTEORDER.
func (a attr) id() uint16 { return a.typ & 0x3fff }

// attrs is a sequence of attributes.
type attrs []attr

// parseAttrs reads attributes to the end of b; what is cut short is left out.
func parseAttrs(b []byte) attrs {
	var out attrs
	for len(b) >= 4 {
		size := int(binary.NativeEndian.Uint16(b))
		if size < 4 || size > len(b) {
			break
		}
		out = append(out, attr{binary.NativeEndian.Uint16(b[2:]), b[4:size:size]})
		b = b[min((size+3)&^3, len(b)):]
	}
	return out
}

// append writes the attributes to b.
func (as attrs) append(b []byte) []byte {
	for _, a := range as {
		b = binary.NativeEndian.AppendUint16(b, uint16(4+len(a.data)))
		b = binary.NativeEndian.AppendUint16(b, a.typ)
		b = append(b, a.data...)
		for len(b)%4 != 0 {
			b = append(b, 0)
		}
	}
	return b
}

// get returns an attribute's value, nil if it is not there.
func (as attrs) get(id uint16) []byte {
	for _, a := range as {
		if a.id() == id {
			return a.data
		}
	}
	return nil
}

func (as attrs) has(id uint16) bool {
	return slices.ContainsFunc(as, func(a attr) bool { return a.id() == id })
}

// nested parses the attributes within an attribute.
func (as attrs) nested(id uint16) attrs { return parseAttrs(as.get(id)) }

// without leaves out attributes.
func (as attrs) without(ids ...uint16) attrs {
	return slices.DeleteFunc(slices.Clone(as), func(a attr) bool { return slices.Contains(ids, a.id()) })
}

// replace gives attributes with this id another value, made from theirs.
func (as attrs) replace(id uint16, with func(data []byte) []byte) attrs {
	out := slices.Clone(as)
	for i, a := range out {
		if a.id() == id {
			out[i].data = with(a.data)
		}
	}
	return out
}

// differing returns the attributes of want that have is lacking or different.
func differing(have, want attrs) attrs {
	var out attrs
	for _, w := range want {
		if !have.has(w.id()) || !bytes.Equal(have.get(w.id()), w.data) {
			out = append(out, w)
		}
	}
	return out
}

func hostU32(b []byte) uint32 {
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

func beU32(b []byte) uint32 {
	if len(b) < 4 {
		return 0
	}
	return binary.BigEndian.Uint32(b)
}

func put32(v uint32) []byte { return binary.NativeEndian.AppendUint32(nil, v) }

func putBE32(v uint32) []byte { return binary.BigEndian.AppendUint32(nil, v) }

func cstring(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}

func putCString(s string) []byte { return append([]byte(s), 0) }
