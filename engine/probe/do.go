package probe

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"underlay/engine"
)

// echoed is what a udp probe sends.
const echoed = "underlay probe\n"

// Do makes one attempt and says how it ended. The error is for what could not
// be found out: a request that makes no sense, a namespace that cannot be
// entered, or ctx ending first. That nobody answered is an Outcome.
func Do(ctx context.Context, r Request) (Outcome, error) {
	start := time.Now()
	if r.Wait <= 0 {
		r.Wait = DefaultWait
	}
	if err := valid(&r); err != nil {
		return Outcome{}, fmt.Errorf("probe from %s to %s: %w", r.From.Name, r.To, err)
	}
	o, err := do(ctx, r)
	var end *ending
	if errors.As(err, &end) {
		o.Ended, o.Detail, o.Unresolved, err = end.ended, end.detail, end.lookup, nil
	}
	o.Took = time.Since(start)
	return o, err
}

// valid fills in the request's defaults and refuses what cannot be sent.
func valid(r *Request) error {
	if r.Size < 0 || r.Size > engine.MaxSize {
		return fmt.Errorf("cannot send %d bytes, only up to %d", r.Size, engine.MaxSize)
	}
	switch r.Proto {
	case "icmp":
		return nil
	case "http":
		if r.Port == 0 {
			r.Port = 80
			if r.TLS != nil {
				r.Port = 443
			}
		}
		if r.TLS != nil && r.Size > 0 {
			return fmt.Errorf("cannot send %d bytes over TLS", r.Size)
		}
		if r.Path == "" {
			r.Path = "/"
		}
		if !strings.HasPrefix(r.Path, "/") || strings.ContainsAny(r.Path+r.Host, " \r\n\t") {
			return fmt.Errorf("cannot ask for path %q of host %q", r.Path, r.Host)
		}
		for name, value := range r.Headers {
			if strings.ContainsAny(name, " :\r\n\t") || name == "" || strings.ContainsAny(value, "\r\n\x00") {
				return fmt.Errorf("cannot send header %q with value %q", name, value)
			}
		}
	case "tcp":
	case "udp":
		if via, err := netip.ParseAddr(r.Via); r.Via != "" && (err != nil || !via.Is4()) {
			return fmt.Errorf("no IPv4 address to go via: %q", r.Via)
		}
	default:
		return fmt.Errorf("unknown protocol %q: one of icmp, tcp, udp, http", r.Proto)
	}
	if r.Port < 1 || r.Port > 65535 {
		return fmt.Errorf("no such port: %d", r.Port)
	}
	return nil
}

// do looks up the address and makes the attempt. Where a name has several, a connection
// is tried to each in turn, as clients do; if none succeeds, the first tells how it ended.
func do(ctx context.Context, r Request) (o Outcome, err error) {
	addrs, err := resolve(ctx, r)
	if err != nil {
		return o, err
	}
	o, err = try(ctx, r, addrs[0])
	var end *ending
	if r.Proto == "icmp" || r.Proto == "udp" || !errors.As(err, &end) {
		return o, err
	}
	for _, addr := range addrs[1:] {
		if next, nextErr := try(ctx, r, addr); nextErr == nil {
			return next, nil
		}
	}
	return o, err
}

// try makes the attempt at one address.
func try(ctx context.Context, r Request, addr netip.Addr) (o Outcome, err error) {
	a := &attempt{
		node: r.From, proto: r.Proto, to: netip.AddrPortFrom(addr, uint16(r.Port)),
		start: time.Now(), wait: r.Wait, payload: r.Payload, size: r.Size, sport: r.SPort, reset: r.Reset, sending: r.Sending,
		shared: r.Shared,
	}
	if r.Via != "" {
		a.via = netip.MustParseAddr(r.Via)
	}
	switch r.Proto {
	case "icmp":
		o, err = a.icmp(ctx)
	case "udp":
		o, err = a.udp(ctx)
	case "http":
		a.proto = "tcp"
		o, err = a.http(ctx, r)
	default:
		o, err = a.tcp(ctx, r.Banner)
	}
	a.leave(err)
	o.Address, o.SPort = addr.String(), a.port
	return o, err
}

// dial opens and connects the attempt's socket, which the caller closes by the
// returned function. Errors are explained.
func (a *attempt) dial(ctx context.Context, typ int) (done func() error, err error) {
	if a.sock, err = openIP(a.node.NS, a.to.Addr(), typ, 0); err != nil {
		return nil, a.noSocket(err)
	}
	stop, err := a.sock.until(ctx, a.start.Add(a.wait))
	if err != nil {
		return nil, errors.Join(err, a.sock.close())
	}
	done = func() error {
		stop()
		if a.reset && typ == unix.SOCK_STREAM {
			return errors.Join(a.sock.closeByReset(), a.sock.close())
		}
		return a.sock.close()
	}
	if err := a.announce(); err != nil {
		return nil, errors.Join(err, done())
	}
	err = a.sock.connect(a.to)
	if typ == unix.SOCK_STREAM && !errors.Is(err, unix.ENETUNREACH) {
		ports.sent(a)
	}
	if err != nil {
		return nil, errors.Join(a.explain(ctx, err), done())
	}
	return done, nil
}

// rejectWait is how long to listen for the ICMP message about a packet that was
// stopped: that of a firewall of the node itself comes over the loopback.
const rejectWait = 20 * time.Millisecond

// send sends one datagram. When the node's own firewall stops it the kernel
// says EPERM for DROP and REJECT alike; the ICMP message tells them apart. For a
// refusal of the datagram before it tells from whom that came.
func (a *attempt) send(ctx context.Context, b []byte) error {
	err := a.sock.send(b)
	if err == nil || a.proto == "icmp" { // of which those are counted that a firewall stops
		ports.sent(a)
	}
	if !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.ECONNREFUSED) {
		return err
	}
	stop, untilErr := a.sock.until(ctx, time.Now().Add(rejectWait))
	if untilErr != nil {
		return errors.Join(err, untilErr)
	}
	defer stop()
	var told *icmpError
	if _, later := a.sock.receive(make([]byte, 1)); errors.As(later, &told) {
		return told
	}
	return err
}

// udp sends a datagram and waits for an answer.
func (a *attempt) udp(ctx context.Context) (o Outcome, err error) {
	if a.payload == nil {
		a.payload = []byte(echoed)
	}
	done, err := a.dial(ctx, unix.SOCK_DGRAM)
	if err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, done()) }()
	if a.via.IsValid() {
		err = a.handTo(ctx, filled(a.payload, a.size))
	} else {
		err = a.send(ctx, filled(a.payload, a.size))
	}
	if err != nil {
		return o, a.explain(ctx, err)
	}
	buf := make([]byte, MaxBody)
	n, err := a.sock.receive(buf)
	if err != nil {
		return o, a.explain(ctx, err)
	}
	o = Outcome{Ended: engine.OK, Body: string(buf[:n])}
	o.Served, o.SeenAs = greeting(o.Body)
	o.Detail = fmt.Sprintf("answer from %s", a.to)
	return o, nil
}

// filled is b with zeros up to size.
func filled(b []byte, size int) []byte {
	return append(b[:len(b):len(b)], make([]byte, max(size-len(b), 0))...)
}

// announce binds the socket to a port of ours and tells whoever wants to follow the
// packets.
func (a *attempt) announce() error {
	if err := a.take(); err != nil {
		return err
	}
	if a.sending != nil {
		a.sending(Signature{To: a.to.Addr(), SPort: a.port, Payload: a.payload})
	}
	return nil
}

// greeting reads the line "NAME sees IP:PORT" with which our tcp and udp
// workloads begin; both are empty for other servers.
func greeting(text string) (name, seenAs string) {
	line, _, _ := strings.Cut(text, "\n")
	i := strings.LastIndex(line, " sees ")
	if i < 0 {
		return "", ""
	}
	peer, err := netip.ParseAddrPort(strings.TrimSpace(line[i+len(" sees "):]))
	if err != nil {
		return "", ""
	}
	return line[:i], peer.Addr().Unmap().String()
}
