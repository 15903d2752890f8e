package topology

import (
	"reflect"

	"underlay/engine"
)

// Changes are the devices that are other in now than they were in before, that
// are new, or that are gone. Packets that were counted change nothing.
func Changes(before, now engine.Picture) map[engine.DeviceRef]bool {
	was, is := unchangedDevices(before), unchangedDevices(now)
	out := map[engine.DeviceRef]bool{}
	for ref, d := range is {
		if old, there := was[ref]; !there || !reflect.DeepEqual(old, d) {
			out[ref] = true
		}
	}
	for ref := range was {
		if _, there := is[ref]; !there {
			out[ref] = true
		}
	}
	return out
}

// unchangedDevices are a picture's devices without what they have counted.
func unchangedDevices(p engine.Picture) map[engine.DeviceRef]engine.Device {
	out := map[engine.DeviceRef]engine.Device{}
	for i := range p.Nodes {
		n := &p.Nodes[i]
		for _, d := range n.Devices {
			d.Received, d.Sent, d.Dropped = 0, 0, 0
			out[engine.DeviceRef{Node: n.Name, Name: d.Name}] = d
		}
	}
	return out
}
