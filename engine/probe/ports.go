package probe

import (
	"errors"
	"fmt"
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

// portsKept is for how many namespaces it is remembered which ports were used.
const portsKept = 512

// sources gives out the ports that attempts are made from, those of each network
// namespace in turn, so that it takes long until one comes again.
type sources struct {
	mu    sync.Mutex
	given map[uint64]*turns // by the namespace's inode
}

// turns are the ports of one namespace.
type turns struct {
	count int               // ports given out so far
	rest  map[int]time.Time // until when they are not given out again
	used  time.Time
}

var ports sources

// next gives out a port of a namespace, which rests from then on.
func (s *sources) next(ns uint64, now time.Time) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.of(ns, now)
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
func (s *sources) free(ns uint64, port int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.given[ns]; t != nil {
		delete(t.rest, port)
	}
}

func (t *turns) turn() int {
	port := engine.TestPortFirst + t.count%portCount
	t.count++
	return port
}

// of returns the turns of a namespace. Where there are too many, the namespaces
// that were not used for so long that all their ports have rested are forgotten.
func (s *sources) of(ns uint64, now time.Time) *turns {
	t := s.given[ns]
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
		t = &turns{rest: map[int]time.Time{}}
		s.given[ns] = t
	}
	t.used = now
	return t
}

// take binds the attempt's socket to a port of ours, or as its identifier where it is
// a ping socket. One that somebody else has is passed over.
func (a *attempt) take() error {
	if err := a.draw(); err != nil {
		return err
	}
	for range portCount {
		err := a.sock.bind(a.port)
		if !errors.Is(err, unix.EADDRINUSE) {
			if err != nil {
				err = fmt.Errorf("bind a port in %s: %w", a.node.Name, err)
			}
			return err
		}
		a.port = ports.next(a.inode, time.Now())
	}
	return fmt.Errorf("bind a port in %s: all from %d to %d are taken", a.node.Name, engine.TestPortFirst, engine.TestPortLast)
}

// draw gives the attempt a port of its namespace's.
func (a *attempt) draw() error {
	var st unix.Stat_t
	if err := unix.Fstat(a.node.NS, &st); err != nil {
		return fmt.Errorf("network namespace of %s: %w", a.node.Name, err)
	}
	a.inode = st.Ino
	a.port = ports.next(a.inode, time.Now())
	return nil
}

// leave lets the port of a TCP connection that was answered be used again soon:
// connection tracking gives up one that has ended when the next begins.
func (a *attempt) leave(err error) {
	var end *ending
	answered := err == nil || errors.As(err, &end) && end.ended == engine.Refused
	if answered && a.proto == "tcp" && a.port != 0 {
		ports.free(a.inode, a.port)
	}
}
