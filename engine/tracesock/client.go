package tracesock

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"underlay/engine"
)

// queue is how long a client waits for those before it.
const queue = time.Minute

// ErrNoLab is in the error of Ask where no lab listens.
var ErrNoLab = errors.New("no lab listens")

// Ask has a flow traced by the program that listens at path. Without From the
// flow begins where this process is. An error that came back can be told by
// errors.Is: ErrUsage, engine.ErrNotFound, engine.ErrCannotRun.
func Ask(ctx context.Context, path string, f engine.Flow) (*engine.Autopsy, error) {
	c, err := dial(ctx, path)
	if err != nil {
		return nil, err
	}
	defer c.Close() //nolint:errcheck // all that was to be heard has been
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	a, err := exchange(c, f)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, cannot(fmt.Sprintf("the lab did not answer within %s", queue), "other traces may be under way; try again")
	case err != nil:
		return nil, cannot("the lab ended, or was started again, before it answered", "try again in a new shell")
	case a.Error != nil:
		return nil, a.Error.err()
	case a.Autopsy == nil:
		return nil, errors.New("the lab's answer was empty")
	}
	return a.Autopsy, nil
}

func dial(ctx context.Context, path string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, "unix", path)
	switch {
	case err == nil:
		return c, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, unix.EAGAIN):
		return nil, cannot("too many traces are under way in this lab", "wait until they have ended")
	}
	return nil, errors.Join(ErrNoLab, err)
}

// cannot is an error about the lab as it is now.
func cannot(text, hint string) error {
	return (&failure{Kind: kindCannotRun, Text: text, Hint: hint}).err()
}

// exchange sends the question and reads the answer.
func exchange(c net.Conn, f engine.Flow) (a answer, err error) {
	q := question{Version: version, From: f.From, Target: f.Target(), Size: f.Size, SPort: f.SPort, WaitMS: f.Wait.Milliseconds()}
	b, err := json.Marshal(q)
	if err != nil {
		return a, err
	}
	if err := c.SetDeadline(time.Now().Add(queue)); err != nil {
		return a, err
	}
	if _, err := c.Write(append(b, '\n')); err != nil {
		return a, err
	}
	line, err := bufio.NewReader(io.LimitReader(c, maxAnswer)).ReadBytes('\n')
	if err != nil {
		return a, err
	}
	return a, json.Unmarshal(line, &a)
}
