package observe

import (
	"bytes"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/nl"
)

// decodedRule is what a rule means, before it is put into either tool's words.
type decodedRule struct {
	terms   []term
	does    string // as FirewallRule.Does
	to      string
	jumps   []string // chains it can continue in
	packets uint64
}

// term is one piece of a rule: a match (key, op, value) or, with only key set,
// a statement. ipt is the iptables text when that is not derived from the key.
type term struct {
	key, op, value string
	ipt            string
	skipIpt        bool // iptables does not print it
	implied        bool // nft leaves it out where the next match implies it
}

// operand is what a register holds: a value loaded from the packet, or a constant.
type operand struct {
	reg   uint32
	text  string
	kind  kind
	size  int
	mask  []byte
	data  []byte // a constant
	fixed bool   // data is meant
}

// decoder walks a rule's expressions as the kernel would run them.
type decoder struct {
	rs   *ruleset
	r    *rule
	l4   string    // transport protocol that an earlier match pinned
	regs []operand // what registers hold, in the order of loading
	out  decodedRule
}

// decode never fails: an expression it does not know is named in the text.
func (rs *ruleset) decode(r *rule) decodedRule {
	d := &decoder{rs: rs, r: r}
	for i := range r.exprs {
		d.step(&r.exprs[i])
	}
	return d.out
}

func (d *decoder) step(e *expression) {
	switch e.name {
	case "meta", "ct", "payload", "fib", "rt", "socket", "exthdr", "numgen", "hash":
		d.source(e)
	case "bitwise":
		d.bitwise(e)
	case "byteorder":
		// Changes the representation only.
	case "cmp":
		d.cmp(e)
	case "range":
		d.rangeMatch(e)
	case "lookup":
		d.lookup(e)
	case "immediate":
		d.immediate(e)
	default:
		d.statement(e)
	}
}

func (d *decoder) set(o operand) {
	for i := range d.regs {
		if d.regs[i].reg == o.reg {
			d.regs = append(d.regs[:i], d.regs[i+1:]...)
			break
		}
	}
	d.regs = append(d.regs, o)
}

func (d *decoder) get(reg uint32) operand {
	for i := range d.regs {
		if d.regs[i].reg == reg {
			return d.regs[i]
		}
	}
	return operand{reg: reg, text: fmt.Sprintf("reg%d", reg), kind: kindHex}
}

// source loads a register from the packet, or with a source register writes to it.
func (d *decoder) source(e *expression) {
	text, k, size := d.describe(e)
	var dst, src uint16
	switch e.name {
	case "meta":
		dst, src = unix.NFTA_META_DREG, unix.NFTA_META_SREG
	case "ct":
		dst, src = unix.NFTA_CT_DREG, unix.NFTA_CT_SREG
	case "payload":
		dst, src = unix.NFTA_PAYLOAD_DREG, unix.NFTA_PAYLOAD_SREG
	case "fib":
		dst = unix.NFTA_FIB_DREG
	case "exthdr":
		dst = unix.NFTA_EXTHDR_DREG
	case "hash":
		dst = unix.NFTA_HASH_DREG
	default:
		dst = 1
	}
	if src != 0 && e.Has(src) {
		o := d.get(e.Big32(src))
		d.add(term{key: text + " set " + d.value(o, k)})
		return
	}
	d.set(operand{reg: e.Big32(dst), text: text, kind: k, size: size})
}

// value is what an operand stands for where it is used: a constant, or its source.
func (d *decoder) value(o operand, k kind) string {
	if o.fixed {
		return d.rs.format(k, o.data)
	}
	return o.text
}

func (d *decoder) add(t term) { d.out.terms = append(d.out.terms, t) }

func (d *decoder) bitwise(e *expression) {
	o := d.get(e.Big32(unix.NFTA_BITWISE_SREG))
	o.reg = e.Big32(unix.NFTA_BITWISE_DREG)
	o.mask = dataOf(e.Attrs, unix.NFTA_BITWISE_MASK)
	d.set(o)
}

func dataOf(a nl.Attrs, t uint16) []byte { return a.Nested(t).Get(unix.NFTA_DATA_VALUE) }

func opText(op uint32) string {
	ops := [...]string{"", "!=", "<", "<=", ">", ">="}
	if int(op) < len(ops) {
		return ops[op]
	}
	return "?"
}

func (d *decoder) cmp(e *expression) {
	o := d.get(e.Big32(unix.NFTA_CMP_SREG))
	op, data := e.Big32(unix.NFTA_CMP_OP), dataOf(e.Attrs, unix.NFTA_CMP_DATA)
	if o.text == "@th,0,32" && op == unix.NFT_CMP_EQ && o.mask == nil && len(data) == 4 && (d.l4 == "tcp" || d.l4 == "udp") {
		d.add(term{key: d.l4 + " sport", value: bePort(data)}) // both ports, compared at once
		d.add(term{key: d.l4 + " dport", value: bePort(data[2:])})
		return
	}
	t := term{key: o.text, op: opText(op)}
	switch {
	case o.mask != nil && isFlags(o.kind) && op == unix.NFT_CMP_NEQ && allZero(data):
		t.op, t.value = "", d.rs.format(o.kind, o.mask)
	case o.mask != nil && prefixLen(o.mask) >= 0 && isAddr(o.kind):
		t.value = fmt.Sprintf("%s/%d", d.rs.format(o.kind, data), prefixLen(o.mask))
	case o.mask != nil:
		t.key += " & " + d.rs.format(o.kind, o.mask)
		if op == unix.NFT_CMP_EQ {
			t.op = "=="
		}
		t.value = d.rs.format(o.kind, data)
	case isAddr(o.kind) && len(data) < o.kind.size():
		full := append(append([]byte{}, data...), make([]byte, o.kind.size()-len(data))...)
		t.value = fmt.Sprintf("%s/%d", d.rs.format(o.kind, full), 8*len(data))
	case o.kind == kindIfname && !bytes.Contains(data, []byte{0}) && len(data) < 16:
		t.value = string(data) + "*"
	default:
		t.value = d.rs.format(o.kind, data)
	}
	if op == unix.NFT_CMP_LTE && d.closeRange(t) {
		return
	}
	d.pin(&t, o, op)
	d.add(t)
}

// closeRange joins "x >= a", "x <= b" to "x a-b".
func (d *decoder) closeRange(t term) bool {
	n := len(d.out.terms)
	if n == 0 || d.out.terms[n-1].key != t.key || d.out.terms[n-1].op != ">=" {
		return false
	}
	last := &d.out.terms[n-1]
	last.op, last.value = "", last.value+"-"+t.value
	return true
}

// pin notes a match that says which protocol follows, as nft adds by itself
// before a port and does not print.
func (d *decoder) pin(t *term, o operand, op uint32) {
	if op != unix.NFT_CMP_EQ {
		return
	}
	switch o.text {
	case "meta l4proto":
		d.l4, t.implied = t.value, true
	case "ip protocol", "ip6 nexthdr":
		d.l4 = t.value
	case "meta nfproto", "meta protocol", "ether type":
		t.implied = true
	}
}

func (d *decoder) rangeMatch(e *expression) {
	o := d.get(e.Big32(unix.NFTA_RANGE_SREG))
	from := d.rs.format(o.kind, dataOf(e.Attrs, unix.NFTA_RANGE_FROM_DATA))
	to := d.rs.format(o.kind, dataOf(e.Attrs, unix.NFTA_RANGE_TO_DATA))
	d.add(term{key: o.text, op: opText(e.Big32(unix.NFTA_RANGE_OP)), value: from + "-" + to})
}

// immediate puts a constant into a register; into the verdict register, it ends
// the rule.
func (d *decoder) immediate(e *expression) {
	data := e.Nested(unix.NFTA_IMMEDIATE_DATA)
	if data.Has(unix.NFTA_DATA_VERDICT) {
		d.verdict(data.Nested(unix.NFTA_DATA_VERDICT))
		return
	}
	d.set(operand{reg: e.Big32(unix.NFTA_IMMEDIATE_DREG), data: data.Get(unix.NFTA_DATA_VALUE), fixed: true})
}

func (d *decoder) verdict(a nl.Attrs) {
	does, to := verdictOf(a)
	d.out.does = does
	word := does
	ipt := "-j " + strings.ToUpper(does)
	switch does {
	case "jump":
		d.out.to = to
		d.out.jumps = append(d.out.jumps, to)
		word, ipt = "jump "+to, "-j "+to
		if int32(a.Big32(unix.NFTA_VERDICT_CODE)) == unix.NFT_GOTO {
			word, ipt = "goto "+to, "-g "+to
		}
	case "":
		word, ipt = "continue", ""
	}
	d.add(term{key: word, ipt: ipt, skipIpt: ipt == ""})
}

// verdictOf names a verdict and the chain it leads to. Goto counts as a jump.
func verdictOf(a nl.Attrs) (does, to string) {
	switch int32(a.Big32(unix.NFTA_VERDICT_CODE)) {
	case 0:
		return "drop", ""
	case 1:
		return "accept", ""
	case unix.NFT_RETURN:
		return "return", ""
	case unix.NFT_JUMP, unix.NFT_GOTO:
		return "jump", a.Text(unix.NFTA_VERDICT_CHAIN)
	}
	return "", ""
}

func allZero(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }

// prefixLen is the length of a netmask, -1 if it is not one.
func prefixLen(mask []byte) int {
	n, ended := 0, false
	for _, c := range mask {
		for bit := 7; bit >= 0; bit-- {
			one := c&(1<<bit) != 0
			switch {
			case one && ended:
				return -1
			case one:
				n++
			default:
				ended = true
			}
		}
	}
	return n
}
