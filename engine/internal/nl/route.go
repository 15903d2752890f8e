package nl

import (
	"errors"
	"net/netip"

	"golang.org/x/sys/unix"
)

// RouteQuery is a packet of which the kernel is asked where it would go.
type RouteQuery struct {
	To, From netip.Addr // From may be invalid for a packet that is still to get its source
	IIF      int        // index of the device it came in by, 0 for a packet of the node's own
	Mark     uint32
}

// RouteAnswer is the kernel's decision about a packet.
type RouteAnswer struct {
	Type    byte       // RTN_*
	Gateway netip.Addr // invalid if the way there is direct
	Src     netip.Addr // invalid if the kernel chooses none
	OIF     int        // index of the device, 0 for none
	MTU     int        // of the route, 0 if it says none
}

// AskRoute asks the kernel for its decision (RTM_GETROUTE). Its refusal is a
// unix.Errno, which says why there is no way.
func AskRoute(c *Conn, q RouteQuery) (a RouteAnswer, err error) {
	to, from := q.To.Unmap(), q.From.Unmap()
	head := [unix.SizeofRtMsg]byte{0: unix.AF_INET, 1: byte(to.BitLen())}
	if to.Is6() {
		head[0] = unix.AF_INET6
	}
	as := Attrs{{unix.RTA_DST, to.AsSlice()}}
	if from.IsValid() {
		head[2] = byte(from.BitLen())
		as = append(as, Attr{unix.RTA_SRC, from.AsSlice()})
	}
	if q.IIF != 0 {
		as = append(as, NewHost32(unix.RTA_IIF, uint32(q.IIF)))
	}
	if q.Mark != 0 {
		as = append(as, NewHost32(unix.RTA_MARK, q.Mark))
	}
	err = c.Ask(unix.RTM_GETROUTE, as.AppendTo(head[:]), func(b []byte) {
		if len(b) < unix.SizeofRtMsg {
			return
		}
		as := ParseAfter(b, unix.SizeofRtMsg)
		a = RouteAnswer{Type: b[7], OIF: int(as.Host32(unix.RTA_OIF)), MTU: int(as.Nested(unix.RTA_METRICS).Host32(unix.RTAX_MTU))}
		a.Gateway, _ = netip.AddrFromSlice(as.Get(unix.RTA_GATEWAY))
		a.Src, _ = netip.AddrFromSlice(as.Get(unix.RTA_PREFSRC))
	})
	return a, err
}

// LinkName asks for the name of a device; "" if there is none of that index.
func LinkName(c *Conn, index int) (name string, err error) {
	head := make([]byte, 4, unix.SizeofIfInfomsg)
	head = append(head, PutHost32(uint32(index))...)
	err = c.Ask(unix.RTM_GETLINK, head[:unix.SizeofIfInfomsg], func(b []byte) {
		name = ParseAfter(b, unix.SizeofIfInfomsg).Text(unix.IFLA_IFNAME)
	})
	if errors.Is(err, unix.ENODEV) {
		return "", nil
	}
	return name, err
}

// LinkIndex asks for the index of a device; ENODEV says that there is none of that name.
func LinkIndex(c *Conn, name string) (index int, err error) {
	req := Attrs{NewText(unix.IFLA_IFNAME, name)}.AppendTo(make([]byte, unix.SizeofIfInfomsg))
	err = c.Ask(unix.RTM_GETLINK, req, func(b []byte) { index = int(Host32(After(b, 4))) })
	return index, err
}
