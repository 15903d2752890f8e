package format

import (
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"underlay/engine"
)

// Longest names, in bytes. An interface name is the kernel's limit; a node's
// name keeps to the same so that it can name an interface towards it.
const (
	maxID        = 40
	maxInterface = 15
	maxNodeName  = 15
)

// answerables are what a learner can be asked of an interface.
var answerables = []string{"mac", "addr", "ifindex", "peer", "mtu"}

// bounds returns the least and the greatest number that a shape allows.
func bounds(shape string) (low, high int64) {
	switch shape {
	case "port":
		return 1, 65535
	case "mtu":
		return 68, 65535
	case "size":
		return 1, engine.MaxSize
	case "status":
		return 100, 599
	case "vni":
		return 1, 1<<24 - 1
	case "minutes":
		return 1, 240
	case "workers":
		return 1, maxWorkers
	case "tries":
		return 1, maxTries
	}
	return 0, 1<<31 - 1
}

// checkShape says what s must be, or "" if it is that. Shapes without a text
// of their own allow everything.
func checkShape(shape, s string) string {
	ok, want := true, ""
	switch shape {
	case "id":
		ok, want = isID(s), "lower-case letters, digits and -, at most 40, beginning with a letter or digit"
	case "nodename":
		ok, want = isNodeName(s), "a node name: lower-case letters, digits and -, at most 15, beginning with a letter and not ending in -"
	case "ifname":
		ok, want = isInterface(s), "an interface name: at most 15 bytes, no space, / or :"
	case "method":
		ok, want = methodPattern().MatchString(s), `a method of HTTP, such as "POST"`
	case "iface":
		ok, want = isInterface(s) || isInterfaceOf(s), `an interface, such as "eth0", or "host/eth0" for one of another node`
	case "rate":
		_, ok = engine.Rate(s).Bits()
		want = `a rate from 16kbit to 10gbit, such as "10mbit"`
	case "cidr":
		ok, want = isCIDR(s), `an address with its prefix length, such as "10.0.0.1/24"`
	case "addr":
		ok, want = isAddr(s), `an address, such as "10.0.0.1"`
	case "prefix":
		ok, want = isAddr(s) || isCIDR(s), `an address or a prefix, such as "10.0.0.1" or "10.0.0.1/24"`
	case "dnat":
		ok, want = s == "none" || isAddr(s) || isCIDR(s), `an address or a network that the destination becomes, or "none" for one that stays as it is`
	case "flow":
		ok, want = isFlow(s), `an address, a port, a protocol (icmp, tcp, udp), or several of them as in "10.0.0.1:80/tcp"`
	case "dest":
		ok, want = s == "default" || isNetwork(s), `"default", or a network such as "10.0.0.0/24" with no host bits set`
	case "via":
		ok, want = s == "none" || isAddr(s), `an address, or "none" for a destination that is directly connected`
	case "target":
		ok, want = isAddr(s) || isHostname(s), "an address or a host name"
	case "domain":
		ok, want = s == "." || isHostname(s), `a domain, such as "example.com"`
	case "dnsoption":
		ok, want = dnsOption().MatchString(s), `an option of resolv.conf, such as "ndots:5", "timeout:1", "attempts:3" or "rotate"`
	case "mac":
		ok, want = isMAC(s), `a unicast MAC address, such as "02:00:00:00:00:01"`
	case "macref":
		ok, want = isMAC(s) || isInterfaceOf(s), `a MAC address, or NODE/IFACE for the one that interface has`
	case "endpoint":
		at, err := netip.ParseAddrPort(s)
		ok, want = err == nil && at.Port() > 0 && at.Addr().Zone() == "", `an address and a port, such as "10.0.0.2:80"`
	case "listen":
		ok, want = isListen(s), `a port with or without an address, such as ":80" or "127.0.0.1:80"`
	case "manifest":
		ok, want = isManifest(s), `a file of the lab's folder that ends in .yaml, such as "web.yaml"`
	case "sysctl":
		ok, want = sysctlName().MatchString(s), "a network setting's dotted name, such as net.ipv4.ip_forward"
	case "regexp":
		_, err := regexp.Compile(s)
		ok, want = err == nil, "a regular expression of Go's syntax"
	case "answer":
		what, of, _ := strings.Cut(s, ":")
		ok = slices.Contains(answerables, what) && isInterfaceOf(of)
		want = "mac, addr, ifindex, peer or mtu, then :NODE/IFACE"
	}
	if ok {
		return ""
	}
	return want
}

// mentionedNode returns the name of the node that a text of this shape speaks
// of, or "".
func mentionedNode(shape, s string) string {
	switch shape {
	case "node":
		return s
	case "answer":
		_, s, _ = strings.Cut(s, ":")
	case "macref":
		if isMAC(s) {
			return ""
		}
	case "iface":
		if !strings.Contains(s, "/") {
			return ""
		}
	default:
		return ""
	}
	node, _, _ := strings.Cut(s, "/")
	return node
}

var (
	idPattern     = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`) })
	nodePattern   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z]([a-z0-9-]*[a-z0-9])?$`) })
	sysctlName    = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^net(\.[A-Za-z0-9_/-]+)+$`) })
	methodPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Z]{1,20}$`) })
	headerPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9!#$%&'*+.^_|~-]{1,60}$`) })
	dnsOption     = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^((ndots|timeout|attempts):[0-9]+|rotate|use-vc|single-request|single-request-reopen|edns0|no-aaaa|no-tld-query|trust-ad)$`)
	})
	hostnamePattern = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*\.?$`)
	})
)

func isID(s string) bool       { return len(s) <= maxID && idPattern().MatchString(s) }
func isNodeName(s string) bool { return len(s) <= maxNodeName && nodePattern().MatchString(s) }
func isHostname(s string) bool { return len(s) <= 253 && hostnamePattern().MatchString(s) }

// isInterface is the kernel's rule for device names.
func isInterface(s string) bool {
	return s != "" && len(s) <= maxInterface && s != "." && s != ".." && !strings.ContainsAny(s, "/: \t\n\v\f\r%")
}

func isInterfaceOf(s string) bool {
	node, iface, ok := strings.Cut(s, "/")
	return ok && isNodeName(node) && isInterface(iface)
}

func isAddr(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && a.Zone() == ""
}

// isFlow accepts "80", "80/tcp", "icmp", "10.0.0.1", "10.0.0.1:80" and "10.0.0.1:80/tcp".
func isFlow(s string) bool {
	protos := []string{"icmp", "tcp", "udp"}
	what, proto, given := strings.Cut(s, "/")
	if slices.Contains(protos, what) {
		return !given
	}
	if given && !slices.Contains(protos, proto) {
		return false
	}
	if n, err := strconv.Atoi(what); err == nil {
		return n >= 1 && n <= 65535
	}
	at, err := netip.ParseAddrPort(what)
	return isAddr(what) || err == nil && at.Port() > 0
}

func isCIDR(s string) bool {
	_, err := netip.ParsePrefix(s)
	return err == nil
}

func isNetwork(s string) bool {
	p, err := netip.ParsePrefix(s)
	return err == nil && p == p.Masked()
}

func isMAC(s string) bool {
	m, err := net.ParseMAC(s)
	return err == nil && len(m) == 6 && m[0]&1 == 0 && strings.Count(s, ":") == 5
}

func isListen(s string) bool {
	host, port, err := net.SplitHostPort(s)
	if err != nil || host != "" && !isAddr(host) {
		return false
	}
	n, err := strconv.Atoi(port)
	return err == nil && n >= 1 && n <= 65535
}
