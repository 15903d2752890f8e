package nl

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/netns"
)

// within makes a network namespace and a socket of a protocol in it.
func within(t *testing.T, protocol int) (ns int, c *Conn) {
	t.Helper()
	ns, err := netns.New()
	if errors.Is(err, unix.EPERM) {
		t.Skip("no right to make network namespaces: run as root or in a user namespace")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(ns) })
	if c, err = Dial(ns, protocol); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return ns, c
}

func done(t *testing.T, said, err error) {
	t.Helper()
	if said != nil || err != nil {
		t.Fatalf("said %v, error %v", said, err)
	}
}

func newBridge(name string) Message {
	body := Attrs{NewText(unix.IFLA_IFNAME, name), NewNested(unix.IFLA_LINKINFO, NewText(unix.IFLA_INFO_KIND, "bridge"))}.
		AppendTo(make([]byte, unix.SizeofIfInfomsg))
	return Message{Type: unix.RTM_NEWLINK, Flags: unix.NLM_F_CREATE | unix.NLM_F_EXCL, Body: body}
}

func linkNames(t *testing.T, c *Conn) map[string]uint32 {
	t.Helper()
	names := map[string]uint32{}
	_, err := Dump(c, unix.RTM_GETLINK, make([]byte, unix.SizeofIfInfomsg), func(out []struct{}, _ uint16, b []byte) []struct{} {
		names[ParseAfter(b, unix.SizeofIfInfomsg).Text(unix.IFLA_IFNAME)] = Host32(b[4:])
		return out
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestWriteListAsk(t *testing.T) {
	_, c := within(t, unix.NETLINK_ROUTE)
	said, err := c.Do(newBridge("br0"))
	done(t, said, err)
	if said, err := c.Do(newBridge("br0")); !errors.Is(said, unix.EEXIST) || err != nil {
		t.Errorf("made a second time: said %v, error %v", said, err)
	}
	names := linkNames(t, c)
	if names["lo"] != 1 || names["br0"] == 0 {
		t.Fatalf("listed %v", names)
	}
	get := make([]byte, unix.SizeofIfInfomsg)
	copy(get[4:], PutHost32(names["br0"]))
	var name string
	if err := c.Ask(unix.RTM_GETLINK, get, func(b []byte) { name = ParseAfter(b, unix.SizeofIfInfomsg).Text(unix.IFLA_IFNAME) }); err != nil || name != "br0" {
		t.Errorf("asked for %q: %v", name, err)
	}
	copy(get[4:], PutHost32(999))
	if err := c.Ask(unix.RTM_GETLINK, get, func([]byte) { t.Error("an answer about a device that is not there") }); !errors.Is(err, unix.ENODEV) {
		t.Errorf("a device that is not there: %v", err)
	}
}

// A transaction is done as a whole or not at all, and one that failed leaves nothing
// behind that the next one takes for its answer.
func TestCommit(t *testing.T) {
	_, c := within(t, unix.NETLINK_NETFILTER)
	table := func(name string, flags uint16) Message {
		return Message{Type: Tables(unix.NFT_MSG_NEWTABLE), Flags: unix.NLM_F_CREATE | flags,
			Body: Attrs{NewText(unix.NFTA_TABLE_NAME, name)}.AppendTo(Netfilter(unix.NFPROTO_INET))}
	}
	said, err := c.Commit(nil)
	done(t, said, err)
	said, err = c.Commit([]Message{table("a", unix.NLM_F_EXCL), table("b", unix.NLM_F_EXCL)})
	done(t, said, err)
	for range 3 {
		said, err = c.Commit([]Message{table("c", 0), table("a", unix.NLM_F_EXCL), table("b", unix.NLM_F_EXCL), table("d", 0)})
		if !errors.Is(said, unix.EEXIST) || err != nil {
			t.Errorf("said %v, error %v", said, err)
		}
	}
	said, err = c.Commit([]Message{table("e", unix.NLM_F_EXCL)})
	done(t, said, err)
	names, err := Dump(c, Tables(unix.NFT_MSG_GETTABLE), Netfilter(unix.AF_UNSPEC), func(out []string, _ uint16, b []byte) []string {
		return append(out, ParseAfter(b, NetfilterLen).Text(unix.NFTA_TABLE_NAME))
	})
	if err != nil || len(names) != 3 || names[0] != "a" || names[1] != "b" || names[2] != "e" {
		t.Errorf("there are %q: %v", names, err)
	}
}

func TestSubscribe(t *testing.T) {
	ns, c := within(t, unix.NETLINK_ROUTE)
	fd := -1
	err := netns.Do(ns, func() (err error) {
		fd, err = Subscribe(unix.NETLINK_ROUTE, 1<<20, unix.RTNLGRP_LINK)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd) //nolint:errcheck // only read
	buf := make([]byte, ReceiveBuffer)
	if _, _, err := unix.Recvfrom(fd, buf, 0); !errors.Is(err, unix.EAGAIN) {
		t.Errorf("before anything has happened: %v", err)
	}
	said, err := c.Do(newBridge("br0"))
	done(t, said, err)
	n, _, err := unix.Recvfrom(fd, buf, 0)
	if err != nil {
		t.Fatal(err)
	}
	heard := false
	for m := range Messages(buf[:n]) {
		heard = heard || m.Type == unix.RTM_NEWLINK && ParseAfter(m.Body, unix.SizeofIfInfomsg).Text(unix.IFLA_IFNAME) == "br0"
	}
	if !heard {
		t.Error("the new device was not announced")
	}
	if _, err := Subscribe(unix.NETLINK_ROUTE, 1<<20, 9999); err == nil {
		t.Error("there is a group 9999")
	}
}

func TestClosed(t *testing.T) {
	_, c := within(t, unix.NETLINK_ROUTE)
	if err := errors.Join(c.Close(), c.Close(), (*Conn)(nil).Close()); err != nil {
		t.Error(err)
	}
	if err := c.Ask(unix.RTM_GETLINK, make([]byte, unix.SizeofIfInfomsg), func([]byte) {}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("asked on a closed socket: %v", err)
	}
	if _, err := Dial(-1, unix.NETLINK_ROUTE); !errors.Is(err, unix.EBADF) {
		t.Errorf("in no namespace: %v", err)
	}
}

// kernel stands for the kernel: it gives each request the answer that answer makes of
// it. The Conn has asked before, and what was said to that is still to be read.
func kernel(t *testing.T, answer func(try int, request Message) []Message) *Conn {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	send := func(msgs ...Message) {
		var b []byte
		for _, m := range msgs {
			b = m.AppendTo(b)
		}
		if err := unix.Send(fds[1], b, 0); err != nil {
			t.Error(err)
		}
	}
	send(Message{Type: unix.NLMSG_ERROR, Seq: 4, Body: refusal(unix.EPERM)})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		buf := make([]byte, ReceiveBuffer)
		for try := 0; ; try++ {
			n, err := unix.Read(fds[1], buf)
			if err != nil || n == 0 {
				return
			}
			for m := range Messages(buf[:n]) {
				msgs := answer(try, m)
				for i := range msgs {
					msgs[i].Seq = m.Seq
				}
				send(msgs...)
			}
		}
	}()
	t.Cleanup(func() {
		_ = unix.Shutdown(fds[1], unix.SHUT_RDWR)
		<-ended
		_ = errors.Join(unix.Close(fds[0]), unix.Close(fds[1]))
	})
	return &Conn{fd: fds[0], seq: 4, buf: make([]byte, ReceiveBuffer)}
}

func object(try, flags int) Message {
	return Message{Type: unix.RTM_NEWLINK, Flags: uint16(unix.NLM_F_MULTI | flags), Body: []byte{byte(try)}}
}

// end is the end of a listing.
func end(body []byte) Message {
	return Message{Type: unix.NLMSG_DONE, Flags: unix.NLM_F_MULTI, Body: body}
}

func TestDumpIsReadAgain(t *testing.T) {
	keep := func(out []byte, _ uint16, b []byte) []byte { return append(out, b...) }
	for name, c := range map[string]struct {
		answer func(try int, m Message) []Message
		want   string
		err    error
	}{
		"changed in between": {func(try int, _ Message) []Message {
			if try == 0 {
				return []Message{object(try, unix.NLM_F_DUMP_INTR), object(try, 0), end(PutHost32(0))}
			}
			return []Message{object(try, 0), object(try, 0), end(PutHost32(0))}
		}, "\x01\x01", nil},
		"said so at the end": {func(try int, _ Message) []Message {
			last := end(PutHost32(0))
			if try < 2 {
				last.Flags |= unix.NLM_F_DUMP_INTR
			}
			return []Message{object(try, 0), last}
		}, "\x02", nil},
		"was busy": {func(try int, _ Message) []Message {
			if try == 0 {
				return []Message{{Type: unix.NLMSG_ERROR, Body: refusal(unix.EBUSY)}}
			}
			return []Message{object(try, 0), end(nil)}
		}, "\x01", nil},
		"always changes": {func(try int, _ Message) []Message {
			return []Message{object(try, unix.NLM_F_DUMP_INTR), end(PutHost32(0))}
		}, string(rune(tries - 1)), ErrChanging},
		"refused": {func(int, Message) []Message {
			return []Message{{Type: unix.NLMSG_ERROR, Body: refusal(unix.EOPNOTSUPP)}}
		}, "", unix.EOPNOTSUPP},
		"failed in the middle": {func(try int, _ Message) []Message {
			return []Message{object(try, 0), end(refusal(unix.EMSGSIZE))}
		}, "\x00", unix.EMSGSIZE},
	} {
		got, err := Dump(kernel(t, c.answer), unix.RTM_GETLINK, nil, keep)
		if string(got) != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: listed %q, error %v; want %q, %v", name, got, err, c.want, c.err)
		}
	}
}
