package observe

import (
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/netns"
)

func TestPacketSockets(t *testing.T) {
	n, other := newNode(t, "host"), newNode(t, "other")
	r := mustOpen(t, n, other)
	look := func() []uint64 {
		t.Helper()
		open, err := r.PacketSockets()
		if err != nil {
			t.Fatal(err)
		}
		if len(open["other"]) != 0 {
			t.Errorf("other has %v", open["other"])
		}
		return open["host"]
	}
	if got := look(); len(got) != 0 {
		t.Errorf("before one is opened: %v", got)
	}
	var fd int
	err := netns.Do(n.NS, func() (err error) {
		fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		t.Fatal(err)
	}
	if got := look(); !slices.Equal(got, []uint64{st.Ino}) {
		t.Errorf("while one is open: %v, not %d", got, st.Ino)
	}
	if own, err := OwnSockets(); err != nil || !own[st.Ino] {
		t.Errorf("it is not known as our own: %v", err)
	}
	if err := unix.Close(fd); err != nil {
		t.Fatal(err)
	}
	if got := look(); len(got) != 0 {
		t.Errorf("after it was closed: %v", got)
	}
}

func BenchmarkPacketSockets(b *testing.B) {
	r := mustOpen(b, newNode(b, "host"))
	for b.Loop() {
		if _, err := r.PacketSockets(); err != nil {
			b.Fatal(err)
		}
	}
}
