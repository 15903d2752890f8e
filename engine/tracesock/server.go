package tracesock

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net"
	"syscall"
	"time"

	"underlay/engine"
	"underlay/engine/internal/netns"
)

// How many are served, and how long they may take. Further clients wait unseen in
// the socket's backlog, so that nobody who floods it costs the program more than
// so many connections.
const (
	maxClients = 8
	// patience is how long a client may take to ask, and to take in the answer.
	patience = 2 * time.Second
	// rest is how long a client's place stays empty after it: some hundred
	// connections a second are served, however fast they are made.
	rest = 50 * time.Millisecond
)

// Asked is a flow that somebody wants traced.
type Asked struct {
	Flow engine.Flow // without From it begins where the client is
	// Client is the network namespace that the client was in when it connected;
	// Known says whether the kernel told.
	Client netns.ID
	Known  bool
}

// Answerer makes the autopsy. Several calls are made side by side; ctx ends when
// the client has gone.
type Answerer func(ctx context.Context, a Asked) (*engine.Autopsy, error)

// Serve answers those who connect until the listener is closed. When ctx ends,
// so do the answers under way; Serve does not wait for them.
func Serve(ctx context.Context, l net.Listener, answer Answerer) {
	free := make(chan struct{}, maxClients)
	for {
		free <- struct{}{}
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // out of descriptors, for now
			time.AfterFunc(rest, func() { <-free })
			continue
		}
		go func() {
			serve(ctx, c, answer)
			time.AfterFunc(rest, func() { <-free })
		}()
	}
}

// serve answers one client. One that has gone or does not listen is not told.
func serve(ctx context.Context, c net.Conn, by Answerer) {
	defer c.Close() //nolint:errcheck // all that was to be said has been
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	a := answer{Version: version}
	r := bufio.NewReaderSize(c, maxQuestion)
	q, err := hear(c, r)
	if err == nil {
		go func() {
			_, _ = r.ReadByte() // nothing more is to come: the client has gone
			cancel()
		}()
		q.Client, q.Known = clientOf(c)
		a.Autopsy, err = by(ctx, q)
	}
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		a.Autopsy, a.Error = nil, fail(err)
	}
	b, err := json.Marshal(a)
	if err != nil {
		return // an autopsy is plain data
	}
	_ = c.SetWriteDeadline(time.Now().Add(patience))
	_, _ = c.Write(append(b, '\n'))
}

// hear reads a question.
func hear(c net.Conn, r *bufio.Reader) (a Asked, err error) {
	_ = c.SetReadDeadline(time.Now().Add(patience))
	line, err := r.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return a, Usage(errors.New("the request is too long"))
	case err != nil:
		return a, Usage(errors.New("the request is incomplete"))
	}
	_ = c.SetReadDeadline(time.Time{})
	var q question
	if json.Unmarshal(line, &q) != nil {
		return a, Usage(errors.New("the request is not one that a lab's shell sends"))
	}
	if a.Flow, err = q.flow(); err != nil {
		err = Usage(err)
	}
	return a, err
}

// clientOf finds out where a connection comes from.
func clientOf(c net.Conn) (netns.ID, bool) {
	s, ok := c.(syscall.Conn)
	if !ok {
		return netns.ID{}, false
	}
	return socketNamespace(s)
}
