package probe

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"
)

// musl looks a name up as musl does: with fewer dots than ndots in the search list
// first, until an answer is anything but NXDOMAIN, and then as it stands; otherwise
// as it stands and nowhere else.
func (l *lookup) musl(ctx context.Context) (found, error) {
	name := strings.TrimSuffix(l.r.To, ".")
	if strings.HasSuffix(name, ".") {
		return notFound, nil
	}
	names := []string{name}
	if name == l.r.To && strings.Count(name, ".") < l.conf.ndots {
		names = nil
		for _, domain := range l.conf.search {
			names = append(names, name+"."+domain)
		}
		names = append(names, name)
	}
	for _, n := range names {
		addrs, ended, err := l.muslQuery(ctx, dns.Fqdn(n))
		switch {
		case err != nil:
			return unavail, err
		case len(addrs) > 0:
			l.Addrs = append(l.Addrs, addrs...)
			return success, nil
		case ended:
			return notFound, nil
		}
	}
	return notFound, nil
}

// muslQuery asks all servers at once and takes the first answer to each question. ended
// says that the search is over, although there is no address.
func (l *lookup) muslQuery(ctx context.Context, name string) (addrs []netip.Addr, ended bool, err error) {
	if _, ok := dns.IsDomainName(name); !ok {
		return nil, false, nil
	}
	m := &muslRace{lookup: l, name: name, first: map[uint16]*dns.Msg{}, again: 2 * len(muslTypes)}
	racing, stop := context.WithCancel(ctx)
	defer stop()
	m.stop = stop
	var wg sync.WaitGroup
	for _, server := range l.conf.servers {
		wg.Go(func() { m.ask(racing, server) })
	}
	wg.Wait()
	if ctx.Err() != nil {
		return nil, true, context.Cause(ctx)
	}
	if len(m.first) < len(muslTypes) {
		l.Asked = append(l.Asked, m.unanswered...)
		return nil, true, m.broken
	}
	for _, t := range muslTypes {
		if m.first[t].Rcode == dns.RcodeNameError {
			return nil, false, nil
		}
		addrs = append(addresses(m.first[t]), addrs...) // AAAA first
	}
	return addrs, true, nil
}

var muslTypes = [...]uint16{dns.TypeA, dns.TypeAAAA}

// muslRace is one name's questions, put to all servers.
type muslRace struct {
	*lookup
	name string
	stop context.CancelFunc // ends the race

	mu         sync.Mutex
	first      map[uint16]*dns.Msg // first answer to each question
	again      int                 // how often a server that failed is still asked again
	unanswered []Query
	broken     error
}

// ask puts the questions to one server, and again in time, until all are answered.
func (m *muslRace) ask(ctx context.Context, server string) {
	addr, err := serverAddr(server)
	if err != nil {
		return
	}
	a := &attempt{node: m.r.From, proto: "udp", to: addr, start: time.Now(), wait: min(m.conf.timeout, m.r.Wait)}
	end, err := m.race(ctx, a, server)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil && ctx.Err() == nil {
		m.broken = err
	}
	for _, t := range muslTypes {
		if end != nil && m.first[t] == nil {
			m.unanswered = append(m.unanswered, Query{Server: server, Name: strings.TrimSuffix(m.name, "."), Type: t, Detail: end.detail})
		}
	}
}

func (m *muslRace) race(ctx context.Context, a *attempt, server string) (end *ending, err error) {
	done, err := a.dial(ctx, unix.SOCK_DGRAM)
	if err != nil {
		return asEnding(err)
	}
	defer func() { _ = done() }()
	questions := map[uint16]*dns.Msg{}
	for _, t := range muslTypes {
		questions[t] = new(dns.Msg).SetQuestion(m.name, t)
	}
	send := func(t uint16) error {
		wire, err := questions[t].Pack()
		if err == nil {
			err = a.send(ctx, wire)
		}
		return err
	}
	buf := make([]byte, dns.MaxMsgSize)
	for try := range m.conf.attempts {
		for _, t := range muslTypes {
			if m.answered(t) {
				continue
			}
			if err := send(t); err != nil {
				return asEnding(a.explain(ctx, err))
			}
		}
		share := a.wait * time.Duration(try+1) / time.Duration(m.conf.attempts)
		stop, err := a.sock.until(ctx, a.start.Add(share))
		if err != nil {
			return nil, err
		}
		for err == nil {
			var n int
			if n, err = a.sock.receive(buf); err == nil {
				m.take(ctx, a, server, questions, buf[:n], send)
			}
		}
		stop()
		if end, err = asEnding(a.explain(ctx, err)); end == nil || !end.waited {
			return end, err
		}
	}
	return end, nil
}

// answered reports whether a question has had its first answer.
func (m *muslRace) answered(t uint16) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.first[t] != nil
}

// take takes in what a server has said. A server that has failed is asked again at once,
// and other refusals are passed over.
func (m *muslRace) take(ctx context.Context, a *attempt, server string, questions map[uint16]*dns.Msg, b []byte, send func(uint16) error) {
	for t, q := range questions {
		msg := responseTo(q, b)
		if msg == nil {
			continue
		}
		if msg.Truncated {
			wire, err := q.Pack()
			if err != nil {
				return
			}
			tcp := &attempt{node: a.node, proto: "tcp", to: a.to, start: a.start, wait: a.wait}
			if whole, err := tcp.askTCP(ctx, q, wire); err == nil {
				msg = whole
			}
		}
		m.mu.Lock()
		m.note(server, m.name, t, msg, nil)
		retry := msg.Rcode == dns.RcodeServerFailure && m.again > 0
		if retry {
			m.again--
		}
		if m.first[t] == nil && (msg.Rcode == dns.RcodeSuccess || msg.Rcode == dns.RcodeNameError) {
			m.first[t] = msg
		}
		if len(m.first) == len(muslTypes) {
			m.stop()
		}
		m.mu.Unlock()
		if retry {
			_ = send(t) // it is asked again anyway
		}
	}
}
