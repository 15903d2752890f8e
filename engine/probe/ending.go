package probe

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"underlay/engine"
)

// ending is how an attempt ended that was not ok. It travels as an error, and
// is told from errors that mean that nothing could be found out.
type ending struct {
	ended  engine.Expect
	detail string
	waited bool // for an answer, until the attempt's time was over
	lookup bool // of a name's lookup: nothing was sent to it
}

func (e *ending) Error() string { return e.detail }

func endf(ended engine.Expect, format string, args ...any) *ending {
	return &ending{ended: ended, detail: fmt.Sprintf(format, args...)}
}

// asEnding tells how an attempt ended from what could not be found out.
func asEnding(err error) (*ending, error) {
	var end *ending
	if errors.As(err, &end) {
		return end, nil
	}
	return nil, err
}

// attempt is one try at one address.
type attempt struct {
	node  Node
	proto string // tcp, udp, icmp
	to    netip.AddrPort
	start time.Time
	wait  time.Duration
	sock  *socket // nil before there is one
	lab   uint64  // whose ports are used: see sources
	port  int     // that it is made from, or its identifier; 0 before there is one

	payload []byte
	size    int
	sport   int // asked for, 0 for any
	reset   bool
	shared  *SharedPort
	via     netip.Addr // invalid for the way that the routes choose
	sending func(Signature)
}

// noSocket explains that the attempt got no socket. But for an address family
// that the kernel lacks this says nothing about the network.
func (a *attempt) noSocket(err error) error {
	if errors.Is(err, unix.EAFNOSUPPORT) {
		return endf(engine.Unreachable, "address family not supported: this kernel has none for %s", a.to.Addr())
	}
	return fmt.Errorf("probe from %s to %s by %s: %w", a.node.Name, a.to.Addr(), a.proto, err)
}

// explain turns an error of the attempt's socket into an *ending, or leaves it
// as an error if it says nothing about the network.
func (a *attempt) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("probe from %s to %s: %w", a.node.Name, a.to, context.Cause(ctx))
	}
	var told *icmpError
	var errno unix.Errno
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return a.silence()
	case errors.As(err, &told) && told.from.IsValid():
		return a.explainICMP(told)
	case errors.As(err, &errno):
		if e := a.explainErrno(errno); e != nil {
			return e
		}
	}
	return fmt.Errorf("probe from %s to %s by %s: %w", a.node.Name, a.to, a.proto, err)
}

// silence is the end of an attempt that nobody answered: a timeout, unless the
// next hop does not answer ARP, of which the kernel would tell after three seconds.
func (a *attempt) silence() error {
	hop, err := deafHop(a.node, a.to.Addr())
	if err != nil {
		return fmt.Errorf("probe from %s to %s: %w", a.node.Name, a.to, err)
	}
	end := endf(engine.Timeout, "no answer from %s within %s", a.to.Addr(), pretty(a.wait))
	if hop != nil {
		end = endf(engine.Unreachable, "no route to host: %s", hop)
	}
	end.waited = true
	return end
}

func (a *attempt) explainICMP(e *icmpError) error {
	if e.portUnreachable() && a.proto != "icmp" {
		return endf(engine.Refused, "connection refused (%s)", e)
	}
	if e.hostUnreachable() && e.from == a.sock.local() {
		hop, err := deafHop(a.node, a.to.Addr())
		if err == nil && hop != nil {
			return endf(engine.Unreachable, "no route to host: %s", hop)
		}
		return endf(engine.Unreachable, "no route to host: %s was not answered", asking(a.to.Addr()))
	}
	return endf(engine.Unreachable, "%s (%s)", e.errno.Error(), e)
}

// explainErrno explains what the kernel says by itself; nil for what is none
// of the network's doing.
func (a *attempt) explainErrno(errno unix.Errno) error {
	to := a.to.Addr()
	switch errno {
	case unix.ECONNREFUSED:
		if a.proto == "tcp" {
			return endf(engine.Refused, "connection refused (RST from %s)", to)
		}
		return endf(engine.Refused, "connection refused by %s", to)
	case unix.ETIMEDOUT:
		return a.silence()
	case unix.EPERM:
		return endf(engine.Timeout, "dropped on the way out by %s's own firewall (sending to %s: operation not permitted)", a.node.Name, to)
	case unix.ENETUNREACH:
		return endf(engine.Unreachable, "network is unreachable: %s has no route to %s", a.node.Name, to)
	case unix.EHOSTUNREACH:
		return endf(engine.Unreachable, "no route to host: %s cannot reach %s", a.node.Name, to)
	case unix.EACCES:
		return endf(engine.Unreachable, "permission denied: %s's route to %s prohibits it", a.node.Name, to)
	case unix.EINVAL:
		return endf(engine.Unreachable, "invalid argument: %s's route to %s is a blackhole", a.node.Name, to)
	case unix.ENETDOWN, unix.ENODEV:
		return endf(engine.Unreachable, "network is down: the interface towards %s", to)
	case unix.EADDRNOTAVAIL:
		return endf(engine.Unreachable, "cannot assign requested address: %s has none to reach %s from", a.node.Name, to)
	case unix.ENOBUFS: // what a queue or a device told the sender, which asked to be told
		return endf(engine.Timeout, "dropped on the way out of %s (sending to %s: no buffer space available)", a.node.Name, to)
	case unix.EMSGSIZE:
		return endf(engine.Unreachable, "message too long for the path to %s", to)
	}
	return nil
}

// pretty writes a duration without a tail of nanoseconds.
func pretty(d time.Duration) string {
	if d >= time.Second {
		return d.Round(10 * time.Millisecond).String()
	}
	return fmt.Sprintf("%d ms", d.Milliseconds())
}
