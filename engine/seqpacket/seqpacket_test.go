package seqpacket

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

type message struct{ Text string }

// pair returns both ends of a socket whose messages have at most max bytes.
func pair(t *testing.T, max int) (ours, theirs *Conn) {
	t.Helper()
	ours, file, err := Pair(max)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Dup(int(file.Fd()))
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
	if theirs, err = New(fd, max); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = theirs.Close(); _ = ours.Close() })
	return ours, theirs
}

func TestDescriptorsComeWithTheirMessage(t *testing.T) {
	ours, theirs := pair(t, 1000)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close() //nolint:errcheck // only read
	if err := errors.Join(ours.Send(message{"a pipe"}, int(write.Fd())), ours.Send(message{"nothing"}), write.Close()); err != nil {
		t.Fatal(err)
	}
	var m message
	fds, err := theirs.Receive(&m)
	if err != nil || m.Text != "a pipe" || len(fds) != 1 {
		t.Fatalf("received %+v with %v, %v", m, fds, err)
	}
	if flags, err := unix.FcntlInt(uintptr(fds[0]), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("flags %#x, %v: programs would inherit it", flags, err)
	}
	if _, err := unix.Write(fds[0], []byte("through it")); err != nil {
		t.Error(err)
	}
	CloseAll(fds)
	if text, err := io.ReadAll(read); err != nil || string(text) != "through it" {
		t.Errorf("the pipe has %q, %v", text, err)
	}
	if fds, err := theirs.Receive(&m); err != nil || m.Text != "nothing" || len(fds) != 0 {
		t.Errorf("received %+v with %v, %v", m, fds, err)
	}
}

func TestLargestMessage(t *testing.T) {
	const max = 1000
	ours, theirs := pair(t, max)
	frame := len(`{"Text":""}`)
	text := strings.Repeat("x", max-frame)
	if err := ours.Send(message{text}); err != nil {
		t.Fatal(err)
	}
	var m message
	if _, err := theirs.Receive(&m); err != nil || m.Text != text {
		t.Errorf("received %d bytes of text, %v", len(m.Text), err)
	}
	var large *TooLarge
	if err := ours.Send(message{text + "x"}); !errors.As(err, &large) || large.Size != max+1 || large.Max != max {
		t.Errorf("one byte more: %v", err)
	}
}

func TestEnd(t *testing.T) {
	ours, theirs := pair(t, 1000)
	if err := ours.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := theirs.Receive(new(message)); !errors.Is(err, io.EOF) {
		t.Errorf("the other end has closed: %v", err)
	}
}
