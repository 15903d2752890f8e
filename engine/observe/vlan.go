package observe

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/nl"
)

const (
	afSpecBridgeVLAN = 2 // IFLA_BRIDGE_VLAN_INFO
	extVLANs         = 2 // RTEXT_FILTER_BRVLAN
	vlanPVID         = 0x2
	vlanUntagged     = 0x4
)

// readVLANs lists the VLANs of bridges and their ports.
func (n *node) readVLANs(names map[int]string) ([]PortVLAN, error) {
	c, err := n.conn(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	req := make([]byte, unix.SizeofIfInfomsg)
	req[0] = unix.AF_BRIDGE
	req = nl.Append(req, unix.IFLA_EXT_MASK, nl.PutHost32(extVLANs))
	return nl.Dump(c, unix.RTM_GETLINK, req, func(out []PortVLAN, typ uint16, b []byte) []PortVLAN {
		if typ != unix.RTM_NEWLINK || len(b) < unix.SizeofIfInfomsg {
			return out
		}
		dev := names[int(int32(binary.NativeEndian.Uint32(b[4:])))]
		for typ, v := range nl.Each(nl.ParseAfter(b, unix.SizeofIfInfomsg).Get(unix.IFLA_AF_SPEC)) {
			if typ != afSpecBridgeVLAN || len(v) < 4 { // struct bridge_vlan_info: flags, vid
				continue
			}
			flags := nl.Host32(v[:2])
			out = append(out, PortVLAN{Dev: dev, VID: int(nl.Host32(v[2:4])), PVID: flags&vlanPVID != 0, Untagged: flags&vlanUntagged != 0})
		}
		return out
	})
}
