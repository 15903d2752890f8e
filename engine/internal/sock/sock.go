// Package sock holds what sockets of several kinds share.
package sock

import (
	"encoding/binary"
	"time"

	"golang.org/x/sys/unix"
)

// Room asks for a receive buffer of so many bytes. Forcing it takes rights over the
// machine; without them the kernel gives as much as the machine allows.
func Room(fd, bytes int) {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, bytes) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, bytes)
	}
}

// NetworkOrder is n as the kernel wants it, and gives it, in a struct sockaddr_ll.
func NetworkOrder(n uint16) uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, n))
}

// Stamp is when the kernel saw a packet, as its control messages say (SO_TIMESTAMPNS),
// or now if they do not.
func Stamp(oob []byte) time.Time {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err == nil {
		for _, m := range msgs {
			if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SO_TIMESTAMPNS && len(m.Data) >= 16 {
				return time.Unix(int64(binary.NativeEndian.Uint64(m.Data)), int64(binary.NativeEndian.Uint64(m.Data[8:])))
			}
		}
	}
	return time.Now()
}
