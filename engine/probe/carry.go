package probe

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/dustin/go-humanize/english"
	"golang.org/x/sys/unix"

	"underlay/engine"
)

// carry sends size bytes on a connection and takes in what comes back until the server is
// done. Our own servers return what they get; of others it is enough that all has been
// acknowledged.
func (a *attempt) carry(ctx context.Context) (o Outcome, err error) {
	wrote := make(chan error, 1)
	go func() {
		err := a.sendAll(a.size)
		if err == nil {
			err = a.sock.control(func(fd int) error { return unix.Shutdown(fd, unix.SHUT_WR) })
		}
		wrote <- err
	}()
	in := bufio.NewReaderSize(a.sock.file, bannerBytes)
	line, readErr := in.ReadSlice('\n')
	o.Body = string(line)
	o.Served, o.SeenAs = greeting(o.Body)
	back := 0
	if o.Served == "" {
		back = len(line)
	}
	if readErr == nil || errors.Is(readErr, bufio.ErrBufferFull) {
		var n int64
		n, readErr = io.Copy(io.Discard, in)
		back += int(n)
	}
	writeErr := <-wrote
	if ctx.Err() != nil {
		return o, a.explain(ctx, ctx.Err())
	}
	missing, err := a.unacknowledged()
	if err != nil {
		return o, err
	}
	switch {
	case writeErr != nil || missing > 0:
		return o, a.stuck(ctx, errors.Join(writeErr, readErr), back, missing)
	case o.Served != "" && back < a.size:
		if readErr != nil && !errors.Is(readErr, os.ErrDeadlineExceeded) {
			return o, a.unanswered(ctx, readErr)
		}
		return o, endf(engine.Timeout, "connection established with %s, which got %d bytes and returned %d of them within %s", a.to, a.size, back, pretty(a.wait))
	}
	o.Ended = engine.OK
	o.Detail = fmt.Sprintf("connected to %s, sent %d bytes and got %d back%s", a.to, a.size, back, a.pathWords())
	return o, nil
}

// stuck explains why not all that was sent has been acknowledged.
func (a *attempt) stuck(ctx context.Context, err error, back, missing int) error {
	var errno unix.Errno
	if errors.As(err, &errno) {
		return a.unanswered(ctx, errno)
	}
	return endf(engine.Timeout, "connection established with %s, but %d of %d bytes were not acknowledged within %s (%d came back)",
		a.to, min(missing, a.size), a.size, pretty(a.wait), back) // the end of what is sent is acknowledged like a byte
}

// sendAll sends zeros, each segment by itself, so that a capture shows segments.
func (a *attempt) sendAll(size int) error {
	segment := 0
	err := a.sock.control(func(fd int) (err error) {
		if segment, err = unix.GetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_MAXSEG); err != nil {
			return err
		}
		return errors.Join(
			unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1),
			unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, 1))
	})
	if err != nil {
		return err
	}
	b := make([]byte, max(segment, 1))
	for left := size; left > 0; {
		n, err := a.sock.file.Write(b[:min(left, len(b))])
		if err != nil {
			return err
		}
		left -= n
	}
	return nil
}

// unacknowledged is how many bytes of what was sent the other end has not acknowledged.
func (a *attempt) unacknowledged() (n int, err error) {
	err = a.sock.control(func(fd int) (err error) {
		n, err = unix.IoctlGetInt(fd, unix.SIOCOUTQ)
		return err
	})
	return n, err
}

// pathWords tell of the largest packet that the connection's path takes, as far as its
// sender has learned, and of what had to be sent again.
func (a *attempt) pathWords() string {
	var info *unix.TCPInfo
	err := a.sock.control(func(fd int) (err error) {
		info, err = unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
		return err
	})
	if err != nil { // nothing is known, and nothing is said
		return ""
	}
	again := ""
	if info.Total_retrans > 0 {
		again = fmt.Sprintf(", %s sent again", english.Plural(int(info.Total_retrans), "packet", ""))
	}
	return fmt.Sprintf(" (path MTU %d%s)", info.Pmtu, again)
}
