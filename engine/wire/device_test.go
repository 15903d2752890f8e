package wire_test

import (
	"errors"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"underlay/engine"
	"underlay/engine/wire"
)

// cable is a host with a neighbour at its eth0.
func cable(nodes ...engine.Node) *engine.Topology {
	return &engine.Topology{
		Nodes: append([]engine.Node{{Name: "host"}, {Name: "lan"}}, nodes...),
		Links: []engine.Link{{
			A: engine.End{Node: "host", Name: "eth0", Address: []string{"10.1.0.1/24"}},
			B: engine.End{Node: "lan", Name: "eth0", Address: []string{"10.1.0.9/24"}},
		}},
	}
}

// deviceCases are topologies with devices, and what must be seen of them. A machine that
// cannot make the device by ip(8), or open what it takes, must refuse it to us, too: the
// second kernel in CI can make all.
var deviceCases = []struct {
	name     string
	can      string // fails where the kernel has no such device
	topology *engine.Topology
	want     [][3]string // node, script, a regular expression of what it prints
}{
	{
		"macvlan in containers", "ip link add x type veth; ip link add y link x type macvlan",
		cable(
			engine.Node{Name: "c1", Devices: []engine.NodeDevice{{Name: "eth0", Kind: "macvlan", Parent: "host/eth0", MAC: "02:00:00:00:00:11", Address: []string{"10.1.0.11/24"}}}},
			engine.Node{Name: "c2", Devices: []engine.NodeDevice{{Name: "eth0", Kind: "macvlan", Parent: "host/eth0", MTU: 1400, Address: []string{"10.1.0.12/24"}}}},
			engine.Node{Name: "c3", Devices: []engine.NodeDevice{{Name: "eth0", Kind: "macvlan", Parent: "host/eth0", Mode: "private", Address: []string{"10.1.0.13/24"}}}},
		),
		[][3]string{
			{"c1", "ip -d link show eth0", "link/ether 02:00:00:00:00:11 (?s:.*)macvlan mode bridge"},
			{"c2", "ip -d link show eth0", "mtu 1400 "},
			{"c1", "ping -c1 -W2 10.1.0.9", "1 received"},
			{"c1", "ping -c1 -W2 10.1.0.12", "1 received"},
			{"c3", "ping -c1 -W2 10.1.0.9", "1 received"},
			{"c3", "ping -c1 -W1 10.1.0.11 || true", "0 received"}, // private
			{"c1", "ping -c1 -W1 10.1.0.1 || true", "0 received"},  // its own parent
		},
	},
	{
		"vxlan between two, one on a bridge", "ip link add x type vxlan id 1 dstport 4789",
		func() *engine.Topology {
			t := cable(engine.Node{Name: "c1"})
			t.Nodes[0].Bridges = []engine.Bridge{{Name: "br0"}}
			t.Nodes[0].Devices = []engine.NodeDevice{{Name: "vx0", Kind: "vxlan", ID: 42, Local: "10.1.0.1", Remote: "10.1.0.9", Parent: "eth0", Bridge: "br0"}}
			t.Nodes[1].Devices = []engine.NodeDevice{{Name: "vx0", Kind: "vxlan", ID: 42, Local: "10.1.0.9", Remote: "10.1.0.1", MTU: 1450, Address: []string{"10.9.0.9/24"}}}
			t.Links = append(t.Links, engine.Link{A: engine.End{Node: "host", Name: "v1", Bridge: "br0"}, B: engine.End{Node: "c1", Name: "eth0", MTU: 1450, Address: []string{"10.9.0.1/24"}}})
			return t
		}(),
		[][3]string{
			{"host", "ip -d link show vx0", `mtu 1450 .*master br0(?s:.*)vxlan id 42 remote 10\.1\.0\.9 local 10\.1\.0\.1 dev eth0 .*dstport 4789`},
			{"host", "ip -d link show vx0 | grep -c nolearning || true", "^0\n"},
			{"c1", "ping -c1 -W2 -s 1422 -M do 10.9.0.9", "1 received"},
		},
	},
	{
		"tun, tap and down", "test -c /dev/net/tun",
		func() *engine.Topology {
			t := cable()
			t.Nodes[0].Bridges = []engine.Bridge{{Name: "br0"}}
			t.Nodes[0].Devices = []engine.NodeDevice{
				{Name: "tun0", Kind: "tun", MTU: 1400, Address: []string{"10.5.0.1/24"}},
				{Name: "tap0", Kind: "tap", MAC: "02:00:00:00:00:55", Bridge: "br0"},
				{Name: "tap1", Kind: "tap", Down: true},
			}
			return t
		}(),
		[][3]string{
			{"host", "ip -d link show tun0", "POINTOPOINT.*UP(?s:.*)mtu 1400 (?s:.*)tun type tun pi off .*persist on"},
			{"host", "ip -o addr show tun0", "10.5.0.1/24"},
			{"host", "ip -d link show tap0", "master br0(?s:.*)link/ether 02:00:00:00:00:55 (?s:.*)tun type tap"},
			{"host", "ip -o link show tap1", "<BROADCAST,MULTICAST> .*state DOWN"},
			{"host", "ip route", "10.5.0.0/24 dev tun0"},
		},
	},
	{
		"ipvlan", "ip link add x type veth; ip link add y link x type ipvlan",
		cable(
			engine.Node{Name: "c1", Devices: []engine.NodeDevice{{Name: "eth0", Kind: "ipvlan", Parent: "host/eth0", Address: []string{"10.1.0.11/24"}}}},
			engine.Node{Name: "c2", Devices: []engine.NodeDevice{{Name: "eth0", Kind: "ipvlan", Parent: "host/eth0", Address: []string{"10.1.0.12/24"}}}},
		),
		[][3]string{
			{"c1", "ip -d link show eth0", "ipvlan *mode l2 bridge"},
			{"c1", "ping -c1 -W2 10.1.0.9", "1 received"},
			{"c1", "ping -c1 -W2 10.1.0.12", "1 received"},
		},
	},
	{
		"vlan, and a macvlan on one that comes later", "ip link add x type veth; ip link add y link x type vlan id 5",
		func() *engine.Topology {
			t := cable()
			t.Nodes[0].Devices = []engine.NodeDevice{
				{Name: "mv0", Kind: "macvlan", Parent: "eth0.5", Address: []string{"10.8.0.3/24"}},
				{Name: "eth0.5", Kind: "vlan", Parent: "eth0", ID: 5, Address: []string{"10.8.0.1/24"}},
			}
			t.Nodes[1].Devices = []engine.NodeDevice{{Name: "five", Kind: "vlan", Parent: "eth0", ID: 5, Address: []string{"10.8.0.9/24"}}}
			return t
		}(),
		[][3]string{
			{"host", "ip -d link show eth0.5", "vlan protocol 802.1Q id 5 "},
			{"host", "ping -c1 -W2 -I 10.8.0.1 10.8.0.9", "1 received"},
			{"host", "ip -d link show mv0", "mv0@eth0.5"},
		},
	},
	{
		"dummy", "ip link add x type dummy",
		func() *engine.Topology {
			t := cable()
			t.Nodes[0].Devices = []engine.NodeDevice{{Name: "d0", Kind: "dummy", Address: []string{"192.0.2.1/32"}}}
			return t
		}(),
		[][3]string{{"host", "ip -br link show d0", "UNKNOWN.*NOARP,UP"}, {"host", "ping -c1 -W2 192.0.2.1", "1 received"}},
	},
}

func TestDevices(t *testing.T) {
	for _, c := range deviceCases {
		t.Run(c.name, func(t *testing.T) {
			_, try := world(t, &engine.Topology{Nodes: []engine.Node{{Name: "try"}}})
			said, code := try("try", c.can)
			ns, sh := world(t, c.topology)
			err := wire.Build(c.topology, ns)
			if errors.Is(err, unix.EACCES) && refused("/dev/net/tun") {
				return
			}
			if code != 0 {
				if !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.ENODEV) && !errors.Is(err, unix.ENOENT) {
					t.Errorf("this machine has it not (%s), and Build says %v", said, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range c.want {
				if out, code := sh(w[0], w[1]); code != 0 || !regexp.MustCompile(w[2]).MatchString(out) {
					t.Errorf("%s: %s: no %q in (%d)\n%s", w[0], w[1], w[2], code, out)
				}
			}
		})
	}
}

// refused reports whether this user may not open a device.
func refused(path string) bool {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err == nil {
		_ = f.Close()
	}
	return errors.Is(err, unix.EACCES)
}

func TestDevicesSayWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		device engine.NodeDevice
		want   string
	}{
		"no parent":   {engine.NodeDevice{Name: "m", Kind: "macvlan", Parent: "eth7"}, "make macvlan host/m: there is no eth7"},
		"on itself":   {engine.NodeDevice{Name: "m", Kind: "macvlan", Parent: "m"}, "make macvlan host/m: there is no m"},
		"taken":       {engine.NodeDevice{Name: "eth0", Kind: "vxlan", ID: 3}, "make vxlan host/eth0: file exists"},
		"bad address": {engine.NodeDevice{Name: "x", Kind: "vxlan", ID: 3, Address: []string{"nonsense"}}, "host/x: "},
		"bad MAC":     {engine.NodeDevice{Name: "x", Kind: "vxlan", ID: 3, MAC: "zz"}, "zz"},
		"unknown":     {engine.NodeDevice{Name: "x", Kind: "wire"}, `a device of kind "wire" is not known`},
		"no bridge":   {engine.NodeDevice{Name: "x", Kind: "vxlan", ID: 3, Bridge: "br7"}, "host has no bridge br7"},
	} {
		t.Run(name, func(t *testing.T) {
			topology := cable()
			topology.Nodes[0].Devices = []engine.NodeDevice{c.device}
			ns, _ := world(t, topology)
			if err := wire.Build(topology, ns); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v does not say %q", err, c.want)
			}
		})
	}
}

var slowest = regexp.MustCompile(`rtt min/avg/max/mdev = [0-9.]+/[0-9.]+/([0-9.]+)/`)

// TestRate sends more than an end may: what waits for its turn comes later by what the
// rate says, in that direction only.
func TestRate(t *testing.T) {
	topology := cable()
	topology.Links[0].A.Rate = "100kbit"
	ns, sh := world(t, topology)
	if err := wire.Build(topology, ns); err != nil {
		t.Fatal(err)
	}
	if out, _ := sh("host", "tc qdisc show dev eth0"); !strings.Contains(out, "tbf 1: root") || !strings.Contains(out, "rate 100Kbit burst 30") {
		t.Errorf("the discipline is %s", out)
	}
	if out, _ := sh("lan", "tc qdisc show dev eth0"); strings.Contains(out, "tbf") {
		t.Errorf("the other end has one, too: %s", out)
	}
	// Six answers, almost at once: two go out of the full bucket, and the last waits for
	// the 4 × 1442 bytes up to itself, 461 ms at 100 kbit/s.
	out, _ := sh("lan", "ping -q -c 6 -i 0.002 -s 1400 -w 5 10.1.0.1")
	m := slowest.FindStringSubmatch(out)
	if m == nil {
		t.Fatal(out)
	}
	if ms, err := strconv.ParseFloat(m[1], 64); err != nil || ms < 150 || !strings.Contains(out, " 6 received") {
		stats, _ := sh("host", "tc -s qdisc show dev eth0")
		t.Errorf("the last of six came after %s ms, %v:\n%s\n%s", m[1], err, out, stats)
	}
}
