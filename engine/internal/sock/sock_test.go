package sock

import (
	"encoding/binary"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestNetworkOrder(t *testing.T) {
	got := binary.NativeEndian.AppendUint16(nil, NetworkOrder(unix.ETH_P_IPV6))
	if got[0] != 0x86 || got[1] != 0xdd {
		t.Errorf("got % x", got)
	}
	if NetworkOrder(NetworkOrder(0x1234)) != 0x1234 {
		t.Error("it does not come back")
	}
}

// A datagram is stamped when it is queued, not when it is read.
func TestStamp(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = unix.Close(fds[0])
		_ = unix.Close(fds[1])
	})
	if err := unix.SetsockoptInt(fds[0], unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
		t.Fatal(err)
	}
	before := time.Now()
	if _, err := unix.Write(fds[1], []byte("x")); err != nil {
		t.Fatal(err)
	}
	queued := time.Now()
	buf, oob := make([]byte, 8), make([]byte, 128)
	_, n, _, _, err := unix.Recvmsg(fds[0], buf, oob, 0)
	if err != nil {
		t.Fatal(err)
	}
	// The kernel's clock and this one may differ by a tick.
	const tick = 10 * time.Millisecond
	if got := Stamp(oob[:n]); n == 0 || got.Before(before.Add(-tick)) || got.After(queued.Add(tick)) {
		t.Errorf("%d bytes say %s; it was sent between %s and %s", n, got, before, queued)
	}
	for _, oob := range [][]byte{nil, {1, 2, 3}, oob[:n-9]} {
		now := time.Now()
		if got := Stamp(oob); got.Before(now) || got.After(time.Now()) {
			t.Errorf("of % x: %s, though it is %s", oob, got, now)
		}
	}
}

func TestRoom(t *testing.T) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd) //nolint:errcheck // only looked at
	room := func() int {
		n, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	Room(fd, 4096)
	small := room()
	if Room(fd, 64<<10); room() <= small {
		t.Errorf("%d bytes became %d", small, room())
	}
}
