package probe

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Filter says which packets count. Empty fields do not matter.
type Filter struct {
	Proto        string // icmp (IPv4), icmp6, tcp, udp, arp
	Src, Dst     netip.Addr
	SPort, DPort int
	VNI          int     // VXLAN packets of this network only
	Inner        *Filter // what the packet inside a VXLAN packet must be
	Contains     string  // bytes that the payload must contain
}

// ParseFilter reads a filter from words:
//
//	[icmp|icmp6|tcp|udp|arp] [src ADDR] [dst ADDR] [sport N] [dport N]
//	[contains WORD] [vni N] [inner FILTER]
//
// All must hold; the word "and" may stand between them. What follows "inner"
// is about the packet inside the VXLAN packet. No words match every packet.
func ParseFilter(s string) (Filter, error) {
	f, err := parseWords(strings.Fields(s))
	if err != nil {
		return Filter{}, fmt.Errorf("filter %q: %w", s, err)
	}
	return f, nil
}

func parseWords(words []string) (f Filter, err error) {
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		switch word {
		case "and":
			continue
		case "icmp", "icmp6", "tcp", "udp", "arp":
			if f.Proto != "" {
				return f, fmt.Errorf("both %s and %s", f.Proto, word)
			}
			f.Proto = word
			continue
		case "inner":
			inner, err := parseWords(words)
			f.Inner = &inner
			return f, err
		}
		if len(words) == 0 {
			words = []string{""}
		}
		if err := f.set(word, words[0]); err != nil {
			return f, err
		}
		words = words[1:]
	}
	return f, nil
}

// set sets the field that word names.
func (f *Filter) set(word, value string) (err error) {
	if value == "" && slices.Contains([]string{"src", "dst", "sport", "dport", "vni", "contains"}, word) {
		return fmt.Errorf("%s of what?", word)
	}
	switch word {
	case "src":
		f.Src, err = netip.ParseAddr(value)
	case "dst":
		f.Dst, err = netip.ParseAddr(value)
	case "sport":
		f.SPort, err = number(value, 1<<16-1)
	case "dport":
		f.DPort, err = number(value, 1<<16-1)
	case "vni":
		f.VNI, err = number(value, 1<<24-1)
	case "contains":
		f.Contains = value
	default:
		return fmt.Errorf("unknown word %q: use icmp, icmp6, tcp, udp, arp, src, dst, sport, dport, vni, contains, inner", word)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", word, err)
	}
	return nil
}

func number(s string, most int) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > most {
		return 0, errors.New(strconv.Quote(s) + " is not between 1 and " + strconv.Itoa(most))
	}
	return n, nil
}

// String writes the filter in the words that ParseFilter reads.
func (f Filter) String() string {
	var words []string
	add := func(set bool, text ...any) {
		if set {
			words = append(words, strings.TrimSuffix(fmt.Sprintln(text...), "\n"))
		}
	}
	add(f.Proto != "", f.Proto)
	add(f.Src.IsValid(), "src", f.Src)
	add(f.Dst.IsValid(), "dst", f.Dst)
	add(f.SPort != 0, "sport", f.SPort)
	add(f.DPort != 0, "dport", f.DPort)
	add(f.Contains != "", "contains", f.Contains)
	add(f.VNI != 0, "vni", f.VNI)
	if f.Inner != nil {
		add(true, "inner", *f.Inner)
	}
	return strings.Join(words, " ")
}

// Match reports whether p counts.
func (f Filter) Match(p Packet) bool {
	switch {
	case f.Proto != "" && f.Proto != p.Proto,
		f.Src.IsValid() && f.Src != p.Src,
		f.Dst.IsValid() && f.Dst != p.Dst,
		f.SPort != 0 && f.SPort != p.SPort,
		f.DPort != 0 && f.DPort != p.DPort,
		f.VNI != 0 && (p.Inner == nil || f.VNI != p.VNI),
		f.Contains != "" && !bytes.Contains(p.payload, []byte(f.Contains)):
		return false
	}
	return f.Inner == nil || p.Inner != nil && f.Inner.Match(*p.Inner)
}
