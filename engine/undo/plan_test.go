package undo

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"underlay/engine"
	"underlay/engine/internal/nl"
	"underlay/engine/observe"
)

func TestSettingsThatSetOthersComeFirst(t *testing.T) {
	paths := []string{
		"net/ipv4/conf/eth0/forwarding", "net/ipv4/tcp_ecn", "net/ipv4/conf/default/forwarding", "net/ipv4/ip_forward",
		"net/ipv4/conf/all/forwarding", "net/ipv4/conf/eth0.100/rp_filter",
	}
	sortSettings(paths)
	want := []string{
		"net/ipv4/ip_forward", "net/ipv4/conf/all/forwarding", "net/ipv4/conf/default/forwarding",
		"net/ipv4/conf/eth0.100/rp_filter", "net/ipv4/conf/eth0/forwarding", "net/ipv4/tcp_ecn",
	}
	if !slices.Equal(paths, want) {
		t.Errorf("the order is %q", paths)
	}
	if dev := settingDevice("net/ipv4/conf/eth0.100/rp_filter"); dev != "eth0.100" {
		t.Errorf("a device with a dot is %q", dev)
	}
	if name := settingName("net/ipv4/conf/eth0.100/rp_filter"); name != "net/ipv4/conf/eth0.100/rp_filter" {
		t.Errorf("its setting is called %q", name)
	}
}

// ipv4 is the message of an IPv4 address on device 2.
func ipv4(last byte, flags byte) observe.Message {
	head := append([]byte{unix.AF_INET, 24, flags, 0}, nl.PutHost32(2)...)
	return observe.Message{Type: unix.RTM_NEWADDR, Body: nl.Attrs{
		nl.NewAttr(unix.IFA_LOCAL, []byte{10, 0, 0, last}), nl.NewAttr(unix.IFA_ADDRESS, []byte{10, 0, 0, last}),
		nl.NewAttr(unix.IFA_CACHEINFO, []byte{1, 2, 3, last}),
	}.AppendTo(head)}
}

// The words are those of ip(8). This package once had a list of scopes without
// nowhere, and said nothing of a rule that does nothing.
func TestWordsAreThoseOfIP(t *testing.T) {
	at := ipv4(1, 0).Body
	at[3] = unix.RT_SCOPE_NOWHERE
	a, ok := parseAddress(at, map[int]string{2: "eth0"})
	if want := "10.0.0.1/24 scope nowhere dev eth0"; !ok || a.text != want {
		t.Errorf("an address is %q, want %q", a.text, want)
	}
	for action, want := range map[byte]string{
		unix.FR_ACT_NOP: "99: from all nop", unix.FR_ACT_BLACKHOLE: "99: from all blackhole",
		unix.FR_ACT_UNREACHABLE: "99: from all unreachable", unix.FR_ACT_PROHIBIT: "99: from all prohibit",
	} {
		head := [unix.SizeofRtMsg]byte{0: unix.AF_INET, 7: action}
		r, ok := parseRule(nl.Attrs{nl.NewHost32(unix.FRA_PRIORITY, 99)}.AppendTo(head[:]), nil)
		if !ok || r.text != want {
			t.Errorf("a rule is %q, want %q", r.text, want)
		}
	}
	for typ, want := range map[byte]string{unix.RTN_UNICAST: "10.0.0.0/24 dev eth0", unix.RTN_THROW: "throw 10.0.0.0/24 dev eth0"} {
		head := [unix.SizeofRtMsg]byte{0: unix.AF_INET, 1: 24, 4: unix.RT_TABLE_MAIN, 7: typ}
		as := nl.Attrs{nl.NewAttr(unix.RTA_DST, []byte{10, 0, 0, 0}), nl.NewHost32(unix.RTA_OIF, 2)}
		r, ok := parseRoute(as.AppendTo(head[:]), map[int]string{2: "eth0"})
		if !ok || r.text != want {
			t.Errorf("a route is %q, want %q", r.text, want)
		}
	}
}

// holding is a node with these addresses on its one device.
func holding(settings map[string]string, addrs ...observe.Message) *State {
	names := map[int]string{2: "eth0"}
	d := observe.Dump{Addrs: addrs}
	return &State{nodes: []node{{name: "c1", links: []link{{index: 2, name: "eth0"}}, things: things(&d, names), settings: settings}}}
}

func TestTheOrderOfAddressesIsPartOfTheState(t *testing.T) {
	was, is := holding(nil, ipv4(1, 0), ipv4(2, unix.IFA_F_SECONDARY), ipv4(3, unix.IFA_F_SECONDARY)), holding(nil, ipv4(1, 0), ipv4(3, unix.IFA_F_SECONDARY))
	p := plan{have: is, want: was}
	var said []string
	for _, o := range p.ops(layerAddresses) {
		verb := map[uint16]string{unix.RTM_NEWADDR: "add", unix.RTM_DELADDR: "del"}[o.link.Type]
		said = append(said, verb+" "+o.what)
	}
	want := []string{"del address 10.0.0.3/24 secondary dev eth0", "add address 10.0.0.2/24 secondary dev eth0", "add address 10.0.0.3/24 secondary dev eth0"}
	if !slices.Equal(said, want) {
		t.Errorf("the way back is %q", said)
	}
	got := Compare(was, is)
	if want := []engine.Change{{Node: "c1", What: "address", Before: "10.0.0.2/24 secondary dev eth0"}}; !slices.Equal(got, want) {
		t.Errorf("the diff is %+v", got)
	}
}

func TestWhatOnlyFollowsIsNotShown(t *testing.T) {
	const forward, all, dev = "net/ipv4/ip_forward", "net/ipv4/conf/all/forwarding", "net/ipv4/conf/eth0/forwarding"
	off, on := map[string]string{forward: "0", all: "0", dev: "0"}, map[string]string{forward: "1", all: "1", dev: "1"}
	got := Compare(holding(off), holding(on))
	if len(got) != 1 || got[0].After != "net.ipv4.ip_forward = 1" {
		t.Errorf("switching forwarding on is shown as %+v", got)
	}
	alone := map[string]string{forward: "0", all: "0", dev: "1"}
	if got := Compare(holding(off), holding(alone)); len(got) != 1 || got[0].Before != "net.ipv4.conf.eth0.forwarding = 0" {
		t.Errorf("one device's forwarding is shown as %+v", got)
	}
	p := plan{have: holding(on), want: holding(off)}
	if ops := p.ops(layerSettings); len(ops) != 3 || ops[0].setting != forward {
		t.Errorf("the way back is %+v", ops)
	}
}

func TestDeletedNodesAndEndedServersAreDifferences(t *testing.T) {
	was, is := holding(nil), holding(nil)
	was.servers, is.servers = []string{"the http server of c1 (:80)"}, []string{"the http server of c1 (:80)"}
	is.stopped, is.nodes[0].gone = []int{0}, true
	want := []engine.Change{
		{Node: "c1", What: "node", Before: "there", After: "deleted"},
		{What: "server", Before: "the http server of c1 (:80) runs", After: "the http server of c1 (:80) has ended"},
	}
	if got := Compare(was, is); !slices.Equal(got, want) {
		t.Errorf("the diff is %+v", got)
	}
	if !was.Ran(0) || is.Ran(0) {
		t.Error("which servers ran is not remembered")
	}
}

func TestIPSetsGetTheirPlacesBack(t *testing.T) {
	set := func(name string, place int, members ...string) ipset {
		return ipset{name: name, place: place, create: "create " + name + " hash:ip", members: members}
	}
	got := restoreIPSets([]ipset{set("other", 0), set("kept", 3, "add kept 1.1.1.1")}, []ipset{set("good", 2, "add good 2.2.2.2"), set("kept", 3)})
	want := "flush other\nflush kept\ndestroy other\ncreate undo-0 hash:ip\ncreate undo-1 hash:ip\ncreate good hash:ip\ndestroy undo-0\ndestroy undo-1\nadd good 2.2.2.2\n"
	if got != want {
		t.Errorf("the lines are\n%s", got)
	}
	a, b := set("s", 0, "add s 1.1.1.1 timeout 9 packets 1 bytes 2 comment \"x\""), set("s", 0, "add s 1.1.1.1 timeout 7 packets 3 bytes 9 comment \"x\"")
	if !a.equal(&b) {
		t.Error("a member that ages is another one")
	}
}

func TestLegacyTablesAreComparedWithoutCounters(t *testing.T) {
	parse := func(text string) legacyTable { return parseLegacy("ip", text)[0] }
	a := parse("# x\n*filter\n:INPUT ACCEPT [5:60]\n:OLD - [0:0]\n[1:2] -A INPUT -j OLD\nCOMMIT\n")
	b := parse("*filter\n:INPUT ACCEPT [9:99]\n:OLD - [0:0]\n[7:8] -A INPUT -j OLD\nCOMMIT\n")
	if !a.equal(&b) || a.empty() {
		t.Error("counters make a difference, or a table with a rule is empty")
	}
	if got := a.cleared(); got != "*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n" {
		t.Errorf("cleared it is %q", got)
	}
	empty := parse("*nat\n:PREROUTING ACCEPT [5:60]\nCOMMIT\n")
	if !empty.empty() || !strings.HasPrefix(a.text(), "*filter\n:INPUT ACCEPT [5:60]\n") {
		t.Error("a table that was only looked at is not empty, or one is written without its counters")
	}
}

func TestAnIptablesMatchIsToldItsProtocol(t *testing.T) {
	expr := func(name string, data nl.Attrs) nl.Attr {
		return nl.NewAttr(1, nl.Attrs{nl.NewText(unix.NFTA_EXPR_NAME, name), nl.NewAttr(unix.NFTA_EXPR_DATA, data.AppendTo(nil))}.AppendTo(nil))
	}
	compare := func(op uint32, v byte) nl.Attr {
		return expr("cmp", nl.Attrs{nl.NewBig32(unix.NFTA_CMP_OP, op), nl.NewAttr(unix.NFTA_CMP_DATA, nl.Attrs{nl.NewAttr(unix.NFTA_DATA_VALUE, []byte{v})}.AppendTo(nil))})
	}
	proto := expr("meta", nl.Attrs{nl.NewBig32(unix.NFTA_META_KEY, 16)})
	mark := expr("meta", nl.Attrs{nl.NewBig32(unix.NFTA_META_KEY, 3)})
	match := expr("match", nil)
	for name, c := range map[string]struct {
		exprs   nl.Attrs
		proto   byte
		inverse bool
		needed  bool
	}{
		"tcp":           {nl.Attrs{proto, compare(0, 6), match}, 6, false, true},
		"not tcp":       {nl.Attrs{proto, compare(1, 6), match}, 6, true, true},
		"of any":        {nl.Attrs{match}, 0, false, true},
		"another load":  {nl.Attrs{mark, compare(0, 6), match}, 0, false, true},
		"no xt":         {nl.Attrs{proto, compare(0, 6)}, 6, false, false},
		"load replaced": {nl.Attrs{proto, mark, compare(0, 6), match}, 0, false, true},
	} {
		if p, inverse, needed := compat(c.exprs); p != c.proto || inverse != c.inverse || needed != c.needed {
			t.Errorf("%s: %d %v %v", name, p, inverse, needed)
		}
	}
}
