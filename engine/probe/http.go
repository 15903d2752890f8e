package probe

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"underlay/engine"
)

// whoami is the part of our http workload's JSON answer that a probe reads.
type whoami struct {
	Served string `json:"served"`
	Peer   string `json:"peer"`

	Headers map[string]string `json:"headers"`
}

// maxMore is how much of an answer is read beyond what is kept.
const maxMore = 1 << 20

// http connects and asks for one page. Redirects are answers like any other.
func (a *attempt) http(ctx context.Context, r Request) (o Outcome, err error) {
	done, err := a.dial(ctx, unix.SOCK_STREAM)
	if err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, done()) }()
	var conn io.ReadWriter = a.sock.file
	if r.TLS != nil {
		secured, cert, err := a.secure(ctx, r.TLS)
		if errors.Is(err, errNotTLS) {
			return Outcome{Ended: engine.OK, Detail: fmt.Sprintf("%s answered, but not in TLS", a.to)}, nil
		}
		if err != nil {
			return o, err
		}
		defer func() { o.TLS = cert }()
		conn = secured
	}
	if _, err := io.WriteString(conn, request(r)); err != nil {
		return o, a.unanswered(ctx, err)
	}
	if r.Size > 0 {
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			_ = a.sendAll(r.Size) // what becomes of it the answer tells, or that there is none
		}()
		defer func() {
			_ = a.sock.file.SetWriteDeadline(time.Unix(1, 0)) // the server may have answered without reading all
			<-sent
		}()
	}
	in := bufio.NewReader(conn)
	const version = "HTTP/"
	start, err := in.Peek(len(version))
	switch {
	case string(start) == version:
		return a.response(ctx, in, r)
	case err != nil && len(start) == 0:
		return o, a.unanswered(ctx, err)
	}
	// It talks, but something else.
	said, _ := in.Peek(in.Buffered())
	o = Outcome{Ended: engine.OK, Body: string(said)}
	o.Detail = fmt.Sprintf("%s answered, but not in HTTP", a.to)
	o.Served, o.SeenAs = greeting(o.Body)
	return o, nil
}

// request is the text that is sent, before Size bytes of body.
func request(r Request) string {
	host := r.Host
	if host == "" {
		host = r.To
		if addr, err := netip.ParseAddr(r.To); err == nil && addr.Is6() {
			host = "[" + r.To + "]"
		}
		if r.Port != 80 && r.TLS == nil || r.Port != 443 && r.TLS != nil {
			host += ":" + strconv.Itoa(r.Port)
		}
	}
	headers := map[string]string{"User-Agent": "underlay-probe", "Accept": "application/json, */*;q=0.5", "Connection": "close"}
	if r.Size > 0 {
		headers["Content-Type"], headers["Content-Length"] = "application/octet-stream", strconv.Itoa(r.Size)
	}
	for name, value := range r.Headers {
		headers[http.CanonicalHeaderKey(name)] = value
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", method(r), r.Path, host)
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		fmt.Fprintf(&b, "%s: %s\r\n", name, headers[name])
	}
	return b.String() + "\r\n"
}

func method(r Request) string {
	switch {
	case r.Method != "":
		return r.Method
	case r.Size > 0:
		return http.MethodPost
	}
	return http.MethodGet
}

// joined returns the headers with the values of each in one text.
func joined(h http.Header) map[string]string {
	out := make(map[string]string, len(h))
	for name, values := range h {
		out[name] = strings.Join(values, ", ")
	}
	return out
}

// response reads an HTTP response of which the first bytes have come.
func (a *attempt) response(ctx context.Context, in *bufio.Reader, r Request) (o Outcome, err error) {
	//nolint:bodyclose // closing a body reads all that is left of it; the caller closes the socket instead
	resp, err := http.ReadResponse(in, &http.Request{Method: method(r)})
	if err != nil {
		var errno unix.Errno
		if errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &errno) || errors.Is(err, io.ErrUnexpectedEOF) {
			return o, a.unanswered(ctx, err)
		}
		return Outcome{Ended: engine.OK, Detail: fmt.Sprintf("%s answered, but not in proper HTTP: %v", a.to, err)}, nil
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, MaxBody))
	more := int64(0)
	if err == nil && r.Size > 0 {
		more, err = io.Copy(io.Discard, io.LimitReader(resp.Body, maxMore))
	}
	o = Outcome{Status: resp.StatusCode, Body: string(body), Reply: joined(resp.Header)}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		if ctx.Err() != nil {
			return o, a.explain(ctx, err)
		}
		return o, endf(engine.Timeout, "connection established with %s, which began to answer (HTTP %d) and then fell silent: %d bytes came within %s",
			a.to, o.Status, len(body)+int(more), pretty(a.wait))
	}
	o.Ended, o.Detail = engine.OK, fmt.Sprintf("HTTP %s from %s", resp.Status, a.to)
	if err != nil {
		o.Detail += fmt.Sprintf(", broken off after %d bytes", len(body)+int(more))
	} else if r.Size > 0 {
		o.Detail += fmt.Sprintf(", sent %d bytes and got %d back%s", r.Size, len(body)+int(more), a.pathWords())
	}
	// Only our own workload says this; of others nothing is known.
	var who whoami
	if json.Unmarshal(body, &who) == nil && who.Served != "" {
		o.Served, o.Seen = who.Served, who.Headers
		if host, _, err := net.SplitHostPort(who.Peer); err == nil {
			o.SeenAs = host
		}
	}
	return o, nil
}

// unanswered explains an error on an established connection before any answer.
func (a *attempt) unanswered(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return a.explain(ctx, err)
	case errors.Is(err, os.ErrDeadlineExceeded):
		if missing, err := a.unacknowledged(); err == nil && a.size > 0 && missing > 0 {
			return a.stuck(ctx, err, 0, missing)
		}
		return endf(engine.Timeout, "connection established with %s, but no answer within %s", a.to, pretty(a.wait))
	case errors.Is(err, unix.ECONNRESET), errors.Is(err, unix.EPIPE):
		return endf(engine.Refused, "connection established with %s, then reset (RST) before an answer", a.to)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return endf(engine.Refused, "connection established with %s, then closed without an answer", a.to)
	}
	var told *icmpError
	if ctlErr := a.sock.control(func(fd int) error {
		told, _ = a.sock.reported(fd)
		return nil
	}); ctlErr == nil && told != nil {
		err = told
	}
	return a.explain(ctx, err)
}
