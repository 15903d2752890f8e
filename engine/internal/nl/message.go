package nl

import (
	"encoding/binary"
	"iter"

	"golang.org/x/sys/unix"
)

// Message is a netlink message: Body is the fixed part of its type, and attributes.
type Message struct {
	Type, Flags uint16
	Seq         uint32
	Body        []byte
}

// Messages walks the messages in b, which are parts of it. What is cut short is left
// out.
func Messages(b []byte) iter.Seq[Message] {
	size := func(b []byte) int { return int(binary.NativeEndian.Uint32(b)) }
	return func(yield func(Message) bool) {
		for m := range sized(b, unix.SizeofNlMsghdr, size) {
			ne := binary.NativeEndian
			if !yield(Message{ne.Uint16(m[4:]), ne.Uint16(m[6:]), ne.Uint32(m[8:]), m[unix.SizeofNlMsghdr:]}) {
				return
			}
		}
	}
}

// AppendTo writes the message behind b.
func (m Message) AppendTo(b []byte) []byte {
	ne := binary.NativeEndian
	b = ne.AppendUint32(b, uint32(unix.SizeofNlMsghdr+len(m.Body)))
	b = ne.AppendUint16(b, m.Type)
	b = ne.AppendUint16(b, m.Flags)
	b = ne.AppendUint32(b, m.Seq)
	b = ne.AppendUint32(b, 0) // from which socket: the kernel knows
	return pad(append(b, m.Body...))
}

// ends reports whether the message ends an answer.
func (m Message) ends() bool { return m.Type == unix.NLMSG_ERROR || m.Type == unix.NLMSG_DONE }

// Err is the error that a message of type NLMSG_ERROR or NLMSG_DONE begins with, a
// unix.Errno; nil if it says that all is well.
func (m Message) Err() error {
	if len(m.Body) < 4 {
		return nil
	}
	if n := int32(binary.NativeEndian.Uint32(m.Body)); n < 0 {
		return unix.Errno(-n)
	}
	return nil
}

// NetfilterLen is the size of the fixed part of all messages of netfilter.
const NetfilterLen = 4

// Netfilter is the fixed part of a message of netfilter (struct nfgenmsg).
func Netfilter(family byte) []byte { return []byte{family, unix.NFNETLINK_V0, 0, 0} }

// Tables is the type of a message of nf_tables, of which msg is an NFT_MSG_*.
func Tables(msg uint16) uint16 { return unix.NFNL_SUBSYS_NFTABLES<<8 | msg }

// NextHops walks the next hops of a route (RTA_MULTIPATH): each is a struct rtnexthop
// and attributes behind it, and a part of b.
func NextHops(b []byte) iter.Seq[[]byte] { return sized(b, unix.SizeofRtNexthop, shortSize) }
