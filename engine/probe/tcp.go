package probe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"underlay/engine"
)

// bannerBytes is the longest first line that is read from a tcp server.
const bannerBytes = 4 << 10

// tcp connects, and listens a little for a server that speaks first.
func (a *attempt) tcp(ctx context.Context, banner time.Duration) (o Outcome, err error) {
	done, err := a.dial(ctx, unix.SOCK_STREAM)
	if err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, done()) }()
	if a.size > 0 {
		return a.carry(ctx)
	}
	o = Outcome{Ended: engine.OK, Detail: fmt.Sprintf("connected to %s", a.to)}
	if banner < 0 {
		return o, nil
	}
	if banner == 0 {
		banner = DefaultBanner
	}
	stop, err := a.sock.until(ctx, time.Now().Add(banner))
	if err != nil {
		return o, err
	}
	defer stop()
	line, err := readLine(a.sock.file)
	switch {
	case ctx.Err() != nil:
		return o, a.explain(ctx, ctx.Err())
	case errors.Is(err, io.EOF) && line == "":
		o.Detail += ", which closed it at once"
	case errors.Is(err, unix.ECONNRESET):
		o.Detail += ", which reset it at once"
	}
	o.Body = line
	o.Served, o.SeenAs = greeting(line)
	return o, nil
}

// readLine reads up to and with the first newline. What was read before an
// error is returned with it.
func readLine(f *os.File) (string, error) {
	buf := make([]byte, 0, bannerBytes)
	for len(buf) < cap(buf) {
		n, err := f.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if i := bytes.IndexByte(buf, '\n'); i >= 0 {
			return string(buf[:i+1]), nil
		}
		if err != nil {
			return string(buf), err
		}
	}
	return string(buf), nil
}
