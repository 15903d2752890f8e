package nl

import (
	"errors"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// linkUp brings a device up by its index.
func linkUp(t *testing.T, c *Conn, index int) {
	t.Helper()
	head := make([]byte, 4, unix.SizeofIfInfomsg)
	for _, n := range []uint32{uint32(index), unix.IFF_UP, unix.IFF_UP} {
		head = append(head, PutHost32(n)...)
	}
	said, err := c.Do(Message{Type: unix.RTM_NEWLINK, Body: head})
	done(t, said, err)
}

func TestAskLink(t *testing.T) {
	_, c := within(t, unix.NETLINK_ROUTE)
	said, err := c.Do(newBridge("br0"))
	done(t, said, err)
	index, err := LinkIndex(c, "br0")
	if err != nil || index < 2 {
		t.Fatalf("br0 has index %d: %v", index, err)
	}
	if name, err := LinkName(c, index); err != nil || name != "br0" {
		t.Errorf("device %d is called %q: %v", index, name, err)
	}
	if name, err := LinkName(c, 999); err != nil || name != "" {
		t.Errorf("a device that is not there is called %q: %v", name, err)
	}
	if _, err := LinkIndex(c, "br1"); !errors.Is(err, unix.ENODEV) {
		t.Errorf("a device that is not there: %v", err)
	}
}

func TestAskRoute(t *testing.T) {
	_, c := within(t, unix.NETLINK_ROUTE)
	to := func(s string) RouteQuery { return RouteQuery{To: netip.MustParseAddr(s)} }
	if _, err := AskRoute(c, to("10.0.0.1")); !errors.Is(err, unix.ENETUNREACH) {
		t.Errorf("without a route: %v", err)
	}
	linkUp(t, c, 1)
	for _, addr := range []string{"127.0.0.1", "::ffff:127.0.0.1", "::1"} {
		a, err := AskRoute(c, to(addr))
		if err != nil || a.Type != unix.RTN_LOCAL || a.OIF != 1 {
			t.Errorf("to %s: %+v, %v", addr, a, err)
		}
	}
	said, err := c.Do(newBridge("br0"))
	done(t, said, err)
	index, err := LinkIndex(c, "br0")
	if err != nil {
		t.Fatal(err)
	}
	linkUp(t, c, index)
	said, err = c.Do(Message{Type: unix.RTM_NEWADDR, Flags: unix.NLM_F_CREATE, Body: Attrs{{unix.IFA_LOCAL, []byte{10, 0, 0, 2}}}.AppendTo(
		append([]byte{unix.AF_INET, 24, 0, 0}, PutHost32(uint32(index))...))})
	done(t, said, err)
	head := [unix.SizeofRtMsg]byte{0: unix.AF_INET, 4: unix.RT_TABLE_MAIN, 5: unix.RTPROT_STATIC, 7: unix.RTN_UNICAST}
	said, err = c.Do(Message{Type: unix.RTM_NEWROUTE, Flags: unix.NLM_F_CREATE, Body: Attrs{
		{unix.RTA_GATEWAY, []byte{10, 0, 0, 1}}, NewNested(unix.RTA_METRICS, NewHost32(unix.RTAX_MTU, 1400)),
	}.AppendTo(head[:])})
	done(t, said, err)
	want := RouteAnswer{Type: unix.RTN_UNICAST, Gateway: netip.MustParseAddr("10.0.0.1"), Src: netip.MustParseAddr("10.0.0.2"), OIF: index, MTU: 1400}
	if a, err := AskRoute(c, to("192.0.2.1")); err != nil || a != want {
		t.Errorf("got %+v, %v; want %+v", a, err, want)
	}
	q := to("192.0.2.1")
	q.From, q.IIF, q.Mark = netip.MustParseAddr("10.0.0.9"), index, 7
	if _, err := AskRoute(c, q); !errors.Is(err, unix.EHOSTUNREACH) {
		t.Errorf("from a neighbour, where nothing is forwarded: %v", err)
	}
}
