package undo

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"underlay/engine"
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
	head := append([]byte{unix.AF_INET, 24, flags, 0}, put32(2)...)
	return observe.Message{Type: unix.RTM_NEWADDR, Body: attrs{
		{unix.IFA_LOCAL, []byte{10, 0, 0, last}}, {unix.IFA_ADDRESS, []byte{10, 0, 0, last}},
		{unix.IFA_CACHEINFO, []byte{1, 2, 3, last}},
	}.append(head)}
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
	expr := func(name string, data attrs) attr {
		return attr{1, attrs{{unix.NFTA_EXPR_NAME, putCString(name)}, {unix.NFTA_EXPR_DATA, data.append(nil)}}.append(nil)}
	}
	compare := func(op uint32, v byte) attr {
		return expr("cmp", attrs{{unix.NFTA_CMP_OP, putBE32(op)}, {unix.NFTA_CMP_DATA, attrs{{unix.NFTA_DATA_VALUE, []byte{v}}}.append(nil)}})
	}
	proto := expr("meta", attrs{{unix.NFTA_META_KEY, putBE32(16)}})
	mark := expr("meta", attrs{{unix.NFTA_META_KEY, putBE32(3)}})
	match := expr("match", nil)
	for name, c := range map[string]struct {
		exprs   attrs
		proto   byte
		inverse bool
		needed  bool
	}{
		"tcp":           {attrs{proto, compare(0, 6), match}, 6, false, true},
		"not tcp":       {attrs{proto, compare(1, 6), match}, 6, true, true},
		"of any":        {attrs{match}, 0, false, true},
		"another load":  {attrs{mark, compare(0, 6), match}, 0, false, true},
		"no xt":         {attrs{proto, compare(0, 6)}, 6, false, false},
		"load replaced": {attrs{proto, mark, compare(0, 6), match}, 0, false, true},
	} {
		if p, inverse, needed := compat(c.exprs); p != c.proto || inverse != c.inverse || needed != c.needed {
			t.Errorf("%s: %d %v %v", name, p, inverse, needed)
		}
	}
}
