package observe

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// look reads facets of one node.
func look(t *testing.T, n Node, what Facet) State {
	t.Helper()
	states, err := Snapshot([]Node{n}, what, nil)
	if err != nil {
		t.Fatal(err)
	}
	for f, err := range states[0].Errs {
		t.Errorf("facet %d: %v", f, err)
	}
	return states[0]
}

func TestWhatPortsWithhold(t *testing.T) {
	n := newNode(t, "n")
	sh(t, n, `ip link add br0 type bridge
ip link add v0 type veth peer name w0
ip link set v0 master br0
bridge link set dev v0 flood off bcast_flood off locked on learning off`)
	for _, l := range look(t, n, Links).Links {
		switch l.Name {
		case "v0":
			if want := (Flood{Unknown: true, Broadcast: true}); l.Withholds != want || !l.Locked {
				t.Errorf("%+v, locked %v", l.Withholds, l.Locked)
			}
		case "w0":
			if l.Withholds != (Flood{}) || l.Locked {
				t.Errorf("what is no port withholds %+v", l.Withholds)
			}
		}
	}
}

func TestVLANs(t *testing.T) {
	n := newNode(t, "n")
	sh(t, n, `ip link add br0 type bridge
ip link add v0 type veth peer name w0
ip link set v0 master br0`)
	if out, err := try(t, n, "ip link set br0 type bridge vlan_filtering 1"); err != nil {
		// Debian's kernel does, with which make vm-test runs this.
		if !strings.Contains(out, "not supported") {
			t.Fatalf("%v: %s", err, out)
		}
		if st := look(t, n, Links|VLANs); len(st.VLANs) > 0 || slices.ContainsFunc(st.Links, func(l Link) bool { return l.VLANFiltering }) {
			t.Errorf("the kernel filters no VLANs, and there are %+v", st.VLANs)
		}
		return
	}
	sh(t, n, "bridge vlan add vid 20 pvid untagged dev v0; bridge vlan add vid 30 dev v0")
	st := look(t, n, Links|VLANs)
	if i := slices.IndexFunc(st.Links, func(l Link) bool { return l.Name == "br0" }); !st.Links[i].VLANFiltering {
		t.Error("the bridge filters VLANs, and the link does not say so")
	}
	for _, want := range []PortVLAN{
		{Dev: "v0", VID: 1, Untagged: true}, {Dev: "v0", VID: 20, PVID: true, Untagged: true}, {Dev: "v0", VID: 30},
		{Dev: "br0", VID: 1, PVID: true, Untagged: true},
	} {
		if !slices.Contains(st.VLANs, want) {
			t.Errorf("%+v is not in %+v", want, st.VLANs)
		}
	}
}

func TestGroups(t *testing.T) {
	n := newNode(t, "n")
	sh(t, n, `ip link add v0 type veth peer name w0
ip link set v0 up
ip link set w0 up
ip addr add 239.1.2.3/32 dev v0 autojoin`)
	got := look(t, n, Groups).Groups
	for _, want := range []Group{{"v0", netip.MustParseAddr("224.0.0.1")}, {"v0", netip.MustParseAddr("239.1.2.3")}, {"v0", netip.MustParseAddr("ff02::1")}, {"w0", netip.MustParseAddr("224.0.0.1")}} {
		if !slices.Contains(got, want) {
			t.Errorf("%+v is not in %+v", want, got)
		}
	}
}

func TestCounters(t *testing.T) {
	n := newNode(t, "n")
	sh(t, n, `ip link set lo up
tc qdisc add dev lo root tbf rate 8kbit burst 100 limit 100`)
	before := look(t, n, Counters)
	if _, err := try(t, n, "ping -c 1 -s 1000 -W 1 127.0.0.1"); err == nil {
		t.Error("the ping was answered")
	}
	after := look(t, n, Counters)
	i := slices.IndexFunc(after.Qdiscs, func(q Qdisc) bool { return q.Dev == "lo" })
	if i < 0 || after.Qdiscs[i].Kind != "tbf" || after.Qdiscs[i].Parent != "root" || after.Qdiscs[i].Dropped == 0 {
		t.Errorf("%+v", after.Qdiscs)
	}
	if before.Counters["Icmp.OutEchos"] >= after.Counters["Icmp.OutEchos"] {
		t.Errorf("%d, then %d echo requests", before.Counters["Icmp.OutEchos"], after.Counters["Icmp.OutEchos"])
	}
	for _, name := range []string{"Udp.InCsumErrors", "Conntrack.InsertFailed", "IpExt.InCsumErrors", "Ip6InReceives"} {
		if _, ok := after.Counters[name]; !ok {
			t.Errorf("%s is not counted", name)
		}
	}
}
