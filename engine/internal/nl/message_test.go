package nl

import (
	"bytes"
	"encoding/binary"
	"errors"
	"reflect"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

func TestMessagesComeBack(t *testing.T) {
	msgs := []Message{
		{Type: unix.RTM_NEWLINK, Flags: unix.NLM_F_MULTI, Seq: 7, Body: []byte{1, 2, 3, 4, 5}},
		{Type: unix.NLMSG_DONE, Seq: 1 << 31, Body: []byte{}},
	}
	var b []byte
	for _, m := range msgs {
		b = m.AppendTo(b)
	}
	if got := slices.Collect(Messages(b)); !reflect.DeepEqual(got, msgs) {
		t.Errorf("%v came back as %v", msgs, got)
	}
	for n := range unix.SizeofNlMsghdr + 5 {
		if got := slices.Collect(Messages(b[:n])); len(got) != 0 {
			t.Errorf("%d bytes hold %v", n, got)
		}
	}
}

// refusal is how a message of type NLMSG_ERROR begins that refuses.
func refusal(errno unix.Errno) []byte { return PutHost32(uint32(-int32(errno))) }

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		body []byte
		want error
	}{
		{nil, nil},
		{[]byte{1, 2}, nil},
		{PutHost32(0), nil},
		{PutHost32(12), nil}, // the end of a listing may say how much there was
		{refusal(unix.ENODEV), unix.ENODEV},
	} {
		if got := (Message{Type: unix.NLMSG_ERROR, Body: c.body}).Err(); !errors.Is(got, c.want) {
			t.Errorf("% x says %v, want %v", c.body, got, c.want)
		}
	}
}

func TestNextHops(t *testing.T) {
	hop := func(flags byte, as ...Attr) []byte {
		b := Attrs(as).AppendTo([]byte{0, 0, flags, 0, 0, 0, 0, 0})
		binary.NativeEndian.PutUint16(b, uint16(len(b)))
		return b
	}
	a, b := hop(1, Attr{unix.RTA_GATEWAY, []byte{10, 0, 0, 1}}), hop(2)
	got := slices.Collect(NextHops(slices.Concat(a, b, []byte{99, 0, 0, 0, 0, 0, 0, 0})))
	if len(got) != 2 || !bytes.Equal(got[0], a) || !bytes.Equal(got[1], b) {
		t.Errorf("got % x", got)
	}
}

// ip(8) prints the scopes and types that are asked for here by these words; of the
// scopes one list had no nowhere.
func TestNames(t *testing.T) {
	for got, want := range map[string]string{
		Scope(0): "global", Scope(200): "site", Scope(253): "link", Scope(254): "host", Scope(255): "nowhere", Scope(201): "201",
		RouteType(unix.RTN_THROW): "throw", RouteType(99): "99",
		RuleAction(unix.FR_ACT_NOP): "nop", RuleAction(unix.FR_ACT_TO_TBL): "lookup", RuleAction(99): "99",
		TableFamily(unix.NFPROTO_IPV6): "ip6", TableFamily(unix.NFPROTO_INET): "inet", TableFamily(77): "77",
		EntryState(unix.NUD_PERMANENT): "permanent", EntryState(unix.NUD_NOARP | unix.NUD_REACHABLE): "static", EntryState(unix.NUD_REACHABLE): "learned",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
