package engine

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// MaxSize is the largest Size of a flow: what the largest IPv4 packet has room for.
const MaxSize = 65507

// Flow is what is sent.
type Flow struct {
	From  string `json:"from"`  // node
	To    string `json:"to"`    // address, or a name that From looks up
	Proto string `json:"proto"` // icmp, tcp, udp or http
	Port  int    `json:"port,omitempty"`
	Size  int    `json:"size,omitempty"`  // bytes of payload at least (icmp, udp), or sent on the connection (tcp, http); 0 for a few
	SPort int    `json:"sport,omitempty"` // source port of tcp, udp and http; 0 for one of a probe's own
	// Resolver is the C library whose rules From resolves To by; "" is glibc.
	Resolver Resolver      `json:"resolver,omitempty"`
	Wait     time.Duration `json:"-"` // how long silence is listened to; 0 is as long as a check does
}

// String is the flow in one line: "c1 → 10.0.0.2:80/tcp".
func (f Flow) String() string { return f.From + " → " + f.Target() }

// Target is where the flow goes, as ParseFlow takes it: "10.0.0.2:80/tcp",
// "[fd00::2]:53/udp", "web/icmp".
func (f Flow) Target() string {
	to := f.To
	if f.Port != 0 && f.Proto != "icmp" {
		if to = endpoint(f.To, f.Port); to == f.To {
			to = fmt.Sprintf("%s:%d", f.To, f.Port)
		}
	}
	return to + "/" + f.Proto
}

// ParseFlow reads a target of the form TO[:PORT][/PROTO]: an address or a name,
// with an IPv6 address in brackets where a port follows. Without a protocol it is
// tcp if there is a port, else icmp; http without a port means 80.
func ParseFlow(from, target string) (Flow, error) {
	f := Flow{From: from}
	to, proto, given := strings.Cut(target, "/")
	host, port, err := splitPort(to)
	if err != nil {
		return f, fmt.Errorf("%q: %w", target, err)
	}
	f.To, f.Port, f.Proto = host, port, strings.ToLower(proto)
	switch {
	case host == "":
		return f, fmt.Errorf("%q names no destination", target)
	case strings.ContainsFunc(host, notInNames):
		return f, fmt.Errorf("%q is no address and no name", host)
	case given && proto == "":
		return f, fmt.Errorf("%q ends with a slash, but names no protocol", target)
	case !given && port == 0:
		f.Proto = "icmp"
	case !given:
		f.Proto = "tcp"
	}
	switch f.Proto {
	case "icmp":
		if port != 0 {
			return f, fmt.Errorf("%q: icmp has no ports", target)
		}
	case "tcp", "udp":
		if port == 0 {
			return f, fmt.Errorf("%q: %s needs a port", target, f.Proto)
		}
	case "http":
		if port == 0 {
			f.Port = 80
		}
	default:
		return f, fmt.Errorf("%q: there is no protocol %q here; it is one of icmp, tcp, udp and http", target, proto)
	}
	return f, nil
}

// notInNames says whether a character is in no address and no host's name.
func notInNames(r rune) bool {
	return r <= ' ' || strings.ContainsRune(`"'\/`, r) || !unicode.IsPrint(r)
}

// splitPort takes a port off a destination; 0 is none.
func splitPort(s string) (host string, port int, err error) {
	bare := s
	if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
		bare = s[1 : len(s)-1]
	}
	if a, err := netip.ParseAddr(bare); err == nil {
		return a.String(), 0, nil
	}
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return s, 0, nil
	}
	n, err := strconv.ParseUint(s[i+1:], 10, 16)
	if err != nil || n == 0 {
		return "", 0, errors.New("a port is a number from 1 to 65535")
	}
	host = s[:i]
	if inner, ok := strings.CutPrefix(host, "["); ok {
		if host, ok = strings.CutSuffix(inner, "]"); !ok {
			return "", 0, errors.New("a bracket is not closed")
		}
	} else if strings.Contains(host, ":") {
		return "", 0, errors.New("put an IPv6 address before a port in brackets")
	}
	return host, int(n), nil
}

func endpoint(addr string, port int) string {
	a, err := netip.ParseAddr(addr)
	if err != nil || port == 0 {
		return addr
	}
	return netip.AddrPortFrom(a, uint16(port)).String()
}
