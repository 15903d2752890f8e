package topology

import (
	"net/netip"
	"strings"

	"underlay/engine"
)

// world builds pictures for tests, a line each:
//
//	host h the Docker host          a node: kind, name, title
//	+ docker0 bridge 172.17.0.1/16  a device of that node: name, kind, what else there is to say
//	+ vc1 veth c1/eth0 port=docker0 down
//	+ vx vxlan vni=7 to=10.0.0.2
//	+ mv macvlan on=h/eth0
//
// Packets are counted as if each device had received the length of its name.
func world(text string) engine.Picture {
	var p engine.Picture
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		switch {
		case len(f) == 0:
		case f[0] == "+":
			n := &p.Nodes[len(p.Nodes)-1]
			n.Devices = append(n.Devices, deviceOf(f[1:]))
		default:
			p.Nodes = append(p.Nodes, engine.PictureNode{Kind: engine.Kind(f[0]), Name: f[1], Title: strings.Join(f[2:], " ")})
		}
	}
	return p
}

func deviceOf(f []string) engine.Device {
	d := engine.Device{Name: f[0], Kind: f[1], State: engine.DeviceUp, Received: uint64(3 * len(f[0])), Sent: uint64(len(f[0]))}
	for _, word := range f[2:] {
		key, value, _ := strings.Cut(word, "=")
		switch {
		case word == "down":
			d.State = engine.DeviceDown
		case word == "cut":
			d.State = engine.DeviceNoCarrier
		case key == "port":
			d.Master = value
		case key == "vni":
			d.VNI, d.Port = len(value), 4789
		case key == "to":
			d.Remotes = append(d.Remotes, value)
		case key == "on":
			d.Parent = refOf(value)
		case key == "dropped":
			d.Dropped = uint64(len(value))
		case strings.Count(word, "/") == 1 && strings.ContainsAny(word, ".:"):
			d.Addrs = append(d.Addrs, netip.MustParsePrefix(word))
		default:
			d.Peer = refOf(word)
		}
	}
	return d
}

// refOf reads node/device.
func refOf(s string) engine.DeviceRef {
	node, name, _ := strings.Cut(s, "/")
	return engine.DeviceRef{Node: node, Name: name}
}

const (
	twoEmpty = `
host host the machine itself
+ lo loopback 127.0.0.1/8
container c1 an empty namespace
+ lo loopback down`

	twoJoined = `
host host the machine itself
+ lo loopback 127.0.0.1/8
+ vc1 veth c1/eth0 10.0.0.1/24
container c1 an empty namespace
+ lo loopback 127.0.0.1/8
+ eth0 veth host/vc1 10.0.0.2/24`

	threeHalf = `
host host the Docker host
+ docker0 bridge 172.17.0.1/16
+ vc1 veth c1/eth0 port=docker0
+ vc2 veth c2/eth0 down
container c1 a client
+ eth0 veth host/vc1 172.17.0.2/16
container c2 a web server
+ eth0 veth host/vc2 172.17.0.3/16 cut`

	fiveVXLAN = `
host h1 the left host
+ eth0 veth lan/p1 192.168.1.10/24
+ br0 bridge
+ vc1 veth c1/eth0 port=br0
+ vx vxlan vni=42 to=192.168.1.20 port=br0
host h2 the right host
+ eth0 veth lan/p2 192.168.1.20/24
+ br0 bridge
+ vc2 veth c2/eth0 port=br0
+ vx vxlan vni=42 to=192.168.1.10 port=br0
switch lan the wire between
+ sw bridge
+ p1 veth h1/eth0 port=sw
+ p2 veth h2/eth0 port=sw dropped=xxx
container c1
+ eth0 veth h1/vc1 10.1.0.1/24
container c2
+ eth0 veth h2/vc2 10.1.0.2/24`

	sixPublish = `
host host the Docker host
+ docker0 bridge 172.17.0.1/16
+ eth0 veth lan/p1 192.168.1.100/24
+ vc1 veth c1/eth0 port=docker0
+ vc2 veth c2/eth0 port=docker0
container c1 the web server
+ eth0 veth host/vc1 172.17.0.2/16
container c2 its neighbour
+ eth0 veth host/vc2 172.17.0.3/16
remote ext a client outside
+ eth0 veth lan/p2 192.168.1.5/24
remote other another server
+ eth0 veth lan/p3 192.168.1.6/24
switch lan the office switch
+ br0 bridge
+ p1 veth host/eth0 port=br0
+ p2 veth ext/eth0 port=br0
+ p3 veth other/eth0 port=br0`

	eightMacvlan = `
host h1 the first host
+ eth0 veth r1/left 10.0.1.1/24
+ docker0 bridge 172.17.0.1/16
+ vc1 veth c1/eth0 port=docker0
host h2 the second host
+ eth0 veth r1/right 10.0.2.1/24
router r1 between the hosts
+ left veth h1/eth0 10.0.1.254/24
+ right veth h2/eth0 10.0.2.254/24
+ out veth web/eth0 203.0.113.1/24
container c1
+ eth0 veth h1/vc1 172.17.0.2/16
container m1 on the host's card
+ eth0 macvlan on=h2/eth0 10.0.2.11/24
container m2 beside it
+ eth0 macvlan on=h2/eth0 10.0.2.12/24
container lost
+ eth0 veth 172.17.0.9/16 cut
remote web the internet
+ eth0 veth r1/out 203.0.113.80/24 2001:db8::80/64`
)

// twelve is three hosts with two containers each, two networks between them and
// a machine outside.
func twelve() string {
	return `
host h1 the first host
` + dockerHost("1", "lan/p1") + `
host h2 the second host
` + dockerHost("2", "lan/p2") + `
host h3 the third host
` + dockerHost("3", "r/in") + `
container a1
+ eth0 veth h1/va 10.1.0.2/24
container b1
+ eth0 veth h1/vb 10.1.0.3/24
container a2
+ eth0 veth h2/va 10.2.0.2/24
container b2
+ eth0 veth h2/vb 10.2.0.3/24
container a3
+ eth0 veth h3/va 10.3.0.2/24
container b3
+ eth0 veth h3/vb 10.3.0.3/24
switch lan the switch
+ br0 bridge
+ p1 veth h1/eth0 port=br0
+ p2 veth h2/eth0 port=br0
+ p3 veth r/lan port=br0
router r the router
+ lan veth lan/p3 192.168.0.254/24
+ in veth h3/eth0 192.168.3.254/24
+ out veth ext/eth0 203.0.113.1/24
remote ext the world
+ eth0 veth r/out 203.0.113.9/24`
}

func dockerHost(n, uplink string) string {
	return `+ eth0 veth ` + uplink + ` 192.168.0.` + n + `/24
+ br0 bridge 10.` + n + `.0.1/24
+ va veth a` + n + `/eth0 port=br0
+ vb veth b` + n + `/eth0 port=br0`
}
