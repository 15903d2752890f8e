package observe

import (
	"bytes"
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// lookup is a match against a set, or a map to a value or a verdict.
func (d *decoder) lookup(e *expression) {
	s := d.rs.sets[setKey{d.r.tableKey, e.Text(unix.NFTA_LOOKUP_SET)}]
	keys := d.keys(e.Big32(unix.NFTA_LOOKUP_SREG), s)
	names := make([]string, len(keys))
	for i := range keys {
		names[i] = keys[i].text
	}
	t := term{key: strings.Join(names, " . "), value: "@" + e.Text(unix.NFTA_LOOKUP_SET)}
	if e.Big32(unix.NFTA_LOOKUP_FLAGS)&unix.NFT_LOOKUP_F_INV != 0 {
		t.op = "!="
	}
	switch {
	case s == nil:
		d.add(t)
	case s.verdicts:
		d.verdictMap(s, keys, t)
	case s.isMap:
		text, only := d.valueMap(s, keys, t)
		d.set(operand{reg: e.Big32(unix.NFTA_LOOKUP_DREG), text: text, data: only, fixed: only != nil})
	default:
		if s.anonymous {
			t.value = "{ " + strings.Join(d.elements(s, keys, nil), ", ") + " }"
		}
		d.add(t)
	}
}

// keys are the operands that a lookup in s reads: one, or for a concatenation
// those loaded after it as well.
func (d *decoder) keys(reg uint32, s *set) []operand {
	first := d.get(reg)
	at := slices.IndexFunc(d.regs, func(o operand) bool { return o.reg == reg })
	if s == nil || at < 0 {
		return []operand{first}
	}
	keys, size := []operand{}, 0
	for _, o := range d.regs[at:] {
		if size > 0 && size >= s.keyLen {
			break
		}
		keys = append(keys, o)
		size += (max(o.size, 1) + 3) &^ 3
	}
	return keys
}

func (d *decoder) verdictMap(s *set, keys []operand, t term) {
	same := true
	var does, to string
	for i, el := range slices.DeleteFunc(slices.Clone(s.elems), func(el element) bool { return el.end }) {
		w, chain := verdictOf(el.verdict)
		if chain != "" {
			d.out.jumps = append(d.out.jumps, chain)
		}
		if i > 0 && (w != does || chain != to) {
			same = false
		}
		does, to = w, chain
	}
	if same {
		d.out.does, d.out.to = does, to
	}
	if s.anonymous {
		t.value = "{ " + strings.Join(d.elements(s, keys, func(el element) string {
			w, chain := verdictOf(el.verdict)
			return strings.TrimSpace(w + " " + chain)
		}), ", ") + " }"
	}
	t.op = "vmap"
	d.add(t)
}

// valueMap is the text of a map and, if it has only one value, that.
func (d *decoder) valueMap(s *set, keys []operand, t term) (text string, only []byte) {
	k := kindHex
	switch s.dataLen {
	case 2:
		k = kindPort
	case 4:
		k = kindAddr4
	case 16:
		k = kindAddr6
	}
	if s.anonymous {
		t.value = "{ " + strings.Join(d.elements(s, keys, func(el element) string { return d.rs.format(k, el.data) }), ", ") + " }"
	}
	if len(s.elems) == 1 {
		only = s.elems[0].data
	}
	return t.key + " map " + t.value, only
}

// elements spells out a set, sorted; data, if not nil, spells what each maps to.
func (d *decoder) elements(s *set, keys []operand, data func(element) string) []string {
	elems := slices.SortedFunc(slices.Values(s.elems), func(a, b element) int {
		return cmp.Or(bytes.Compare(a.key, b.key), cmp.Compare(len(b.keyEnd), len(a.keyEnd)))
	})
	var out []string
	for i, el := range elems {
		if el.end {
			continue
		}
		text := d.key(keys, el.key, el.keyEnd)
		if s.interval && len(keys) == 1 && len(el.keyEnd) == 0 {
			end := bytes.Repeat([]byte{0xff}, len(el.key))
			if i+1 < len(elems) {
				end = minusOne(elems[i+1].key)
			}
			text = d.interval(keys[0].kind, el.key, end)
		}
		if data != nil {
			text += " : " + data(el)
		}
		out = append(out, text)
	}
	return out
}

// key spells a key of one or more parts, each padded to four bytes.
func (d *decoder) key(keys []operand, b, end []byte) string {
	if len(keys) == 1 {
		return d.rs.format(keys[0].kind, b)
	}
	parts := make([]string, 0, len(keys))
	for _, o := range keys {
		size := min(max(o.size, 1), len(b))
		part := d.rs.format(o.kind, b[:size])
		if len(end) >= size && !bytes.Equal(end[:size], b[:size]) {
			part = d.interval(o.kind, b[:size], end[:size])
		}
		parts = append(parts, part)
		pad := (size + 3) &^ 3
		b, end = b[min(pad, len(b)):], end[min(pad, len(end)):]
	}
	return strings.Join(parts, " . ")
}

// interval spells the values from a to b, both included.
func (d *decoder) interval(k kind, a, b []byte) string {
	if bytes.Equal(a, b) {
		return d.rs.format(k, a)
	}
	if isAddr(k) && len(a) == len(b) {
		mask := make([]byte, len(a))
		for i := range a {
			mask[i] = ^(a[i] ^ b[i])
		}
		n := prefixLen(mask)
		host := slices.ContainsFunc(hostBits(a, mask), func(c byte) bool { return c != 0 })
		if n >= 0 && !host {
			return fmt.Sprintf("%s/%d", d.rs.format(k, a), n)
		}
	}
	return d.rs.format(k, a) + "-" + d.rs.format(k, b)
}

// hostBits returns the bits of a that mask leaves out.
func hostBits(a, mask []byte) []byte {
	out := make([]byte, len(a))
	for i := range a {
		out[i] = a[i] &^ mask[i]
	}
	return out
}

// minusOne is the number before a big-endian one.
func minusOne(b []byte) []byte {
	n := new(big.Int).SetBytes(b)
	if n.Sign() == 0 {
		return bytes.Repeat([]byte{0xff}, len(b))
	}
	return n.Sub(n, big.NewInt(1)).FillBytes(make([]byte, len(b)))
}
