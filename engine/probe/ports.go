package probe

import (
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"underlay/engine"
)

// resting is how long a port is not used again by an attempt that may have left a
// tracked flow behind: connection tracking goes on with a flow as it began, and
// remembers a SYN that nobody answers for two minutes. An attempt from the same port
// would find the rules of then.
const resting = 2 * time.Minute

// portCount is how many ports there are.
const portCount = engine.TestPortLast - engine.TestPortFirst + 1

// portsKept is for how many labs it is remembered which ports were used.
const portsKept = 512

// sources gives out the ports that attempts are made from, in turn, so that it takes
// long until one comes again. The nodes of a lab share them: two that one router
// masquerades would else meet in its table, and it would give one of them another port.
type sources struct {
	mu    sync.Mutex
	given map[uint64]*turns // by the inode of what a lab's namespaces belong to
}

// turns are the ports of one lab.
type turns struct {
	count int               // ports given out so far
	rest  map[int]time.Time // until when they are not given out again
	used  time.Time
	begun map[string]Begun // what was sent from its nodes, by their names
}

// Begun counts what attempts have begun to send from a node, as the kernel counts it: by
// protocol, a connection or a packet each.
type Begun struct{ TCP, UDP, ICMP uint64 }

// Sent returns what attempts have begun to send from the nodes of a lab, by their names;
// ns is the namespace of any of them.
func Sent(ns int) (map[string]Begun, error) {
	lab, err := owner(ns)
	if err != nil {
		return nil, err
	}
	ports.mu.Lock()
	defer ports.mu.Unlock()
	if t := ports.given[lab]; t != nil {
		return maps.Clone(t.begun), nil
	}
	return nil, nil
}

// sent counts that an attempt has begun to send something.
func (s *sources) sent(a *attempt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.given[a.lab]
	if t == nil {
		return
	}
	b := t.begun[a.node.Name]
	switch a.proto {
	case "tcp":
		b.TCP++
	case "udp":
		b.UDP++
	case "icmp":
		b.ICMP++
	}
	t.begun[a.node.Name] = b
}

var ports sources

// SharedPort is a source port for many attempts from one lab, which is drawn for the
// first of them. The zero value is ready to use. It is for attempts that are made by the
// hundred: each would take a port of its own, and keep it as long as nobody answers.
type SharedPort struct {
	once sync.Once
	lab  uint64
	port int
	err  error
}

func (s *SharedPort) of(n Node) (lab uint64, port int, err error) {
	s.once.Do(func() {
		if s.lab, s.err = owner(n.NS); s.err != nil {
			s.err = fmt.Errorf("network namespace of %s: %w", n.Name, s.err)
			return
		}
		s.port = ports.next(s.lab, time.Now())
	})
	return s.lab, s.port, s.err
}

// next gives out a port of a lab, which rests from then on.
func (s *sources) next(lab uint64, now time.Time) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.of(lab, now)
	port := t.turn()
	for range portCount { // where all rest, it is the one that has done so the longest
		if !now.Before(t.rest[port]) {
			break
		}
		port = t.turn()
	}
	t.rest[port] = now.Add(resting)
	return port
}

// free says that a port has left nothing behind and need not rest.
func (s *sources) free(lab uint64, port int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.given[lab]; t != nil {
		delete(t.rest, port)
	}
}

func (t *turns) turn() int {
	port := engine.TestPortFirst + t.count%portCount
	t.count++
	return port
}

// of returns the turns of a lab. Where there are too many, those are forgotten that
// were not used for so long that all their ports have rested.
func (s *sources) of(lab uint64, now time.Time) *turns {
	t := s.given[lab]
	if t == nil {
		if s.given == nil {
			s.given = map[uint64]*turns{}
		}
		if len(s.given) >= portsKept {
			for old, o := range s.given {
				if now.Sub(o.used) > resting {
					delete(s.given, old)
				}
			}
		}
		t = &turns{rest: map[int]time.Time{}, begun: map[string]Begun{}}
		s.given[lab] = t
	}
	t.used = now
	return t
}

// take binds the attempt's socket to a port of ours, or as its identifier where it is
// a ping socket. One that somebody else has is passed over; where all are taken, as
// after thousands of connections in a minute, the kernel chooses one of its own.
func (a *attempt) take() error {
	if a.shared != nil && a.proto != "icmp" {
		return a.share()
	}
	if err := a.draw(); err != nil {
		return err
	}
	if a.sport != 0 {
		a.port = a.sport
		if err := a.sock.control(func(fd int) error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1) }); err != nil {
			return fmt.Errorf("reuse port %d in %s: %w", a.sport, a.node.Name, err)
		}
	}
	err := a.sock.bind(a.port)
	if a.sport != 0 && err != nil {
		return fmt.Errorf("bind port %d in %s: %w", a.sport, a.node.Name, err)
	}
	for tries := 1; errors.Is(err, unix.EADDRINUSE) && tries < portCount; tries++ {
		a.port = ports.next(a.lab, time.Now())
		err = a.sock.bind(a.port)
	}
	if errors.Is(err, unix.EADDRINUSE) {
		if err = a.sock.bind(0); err == nil {
			a.port, err = a.sock.port()
		}
	}
	if err != nil {
		return fmt.Errorf("bind a port in %s: %w", a.node.Name, err)
	}
	return nil
}

// share binds the attempt's socket to a port that others have as well, or to one of its
// own where somebody else has that.
func (a *attempt) share() (err error) {
	if a.lab, a.port, err = a.shared.of(a.node); err != nil {
		return err
	}
	if err = a.sock.shareable(); err == nil {
		err = a.sock.bind(a.port)
	}
	if errors.Is(err, unix.EADDRINUSE) {
		a.shared = nil
		return a.take()
	}
	if err != nil {
		return fmt.Errorf("bind a port in %s: %w", a.node.Name, err)
	}
	return nil
}

// draw gives the attempt a port of its lab's.
func (a *attempt) draw() (err error) {
	if a.lab, err = owner(a.node.NS); err != nil {
		return fmt.Errorf("network namespace of %s: %w", a.node.Name, err)
	}
	a.port = ports.next(a.lab, time.Now())
	return nil
}

// owner returns the inode of the user namespace that a network namespace belongs to. A
// lab has one of its own.
func owner(ns int) (inode uint64, err error) {
	user, err := unix.IoctlRetInt(ns, unix.NS_GET_USERNS)
	if err != nil {
		return 0, err
	}
	var st unix.Stat_t
	err = unix.Fstat(user, &st)
	return st.Ino, errors.Join(err, unix.Close(user))
}

// leave lets the port of a TCP connection that was answered be used again soon:
// connection tracking gives up one that has ended when the next begins.
func (a *attempt) leave(err error) {
	var end *ending
	answered := err == nil || errors.As(err, &end) && end.ended == engine.Refused
	if answered && a.proto == "tcp" && a.port != 0 && a.shared == nil {
		ports.free(a.lab, a.port)
	}
}
