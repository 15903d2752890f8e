package probe

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"

	"underlay/engine"
)

// What follows is getaddrinfo of glibc: res_search, res_query and res_send.

// said is what became of a name, as h_errno tells a search.
type said int

const (
	saidYes    said = iota
	saidNoHost      // NXDOMAIN
	saidNoData      // there is the name, but no address
	saidFailed      // SERVFAIL from all that answered
	saidAgain       // no answer
	saidNobody      // no server took the question
	saidNever       // anything else
)

// nss is what the search is worth to nsswitch.conf.
func (s said) nss() found {
	switch s {
	case saidYes:
		return success
	case saidFailed, saidAgain, saidNobody:
		return unavail
	}
	return notFound
}

// glibc searches for a name: as it stands before the search list where it has enough
// dots, else after it.
func (l *lookup) glibc(ctx context.Context) ([]netip.Addr, found, error) {
	s := &search{lookup: l, single: l.conf.single, reopen: l.conf.reopen}
	last, err := s.run(ctx)
	if err == nil && last == saidYes && len(s.addrs) == 0 {
		last = saidNoData // an alias of what has no address: the search ends all the same
	}
	return s.addrs, last.nss(), err
}

// search is one of glibc's.
type search struct {
	*lookup
	single, reopen bool // one question at a time, each from a socket of its own
	addrs          []netip.Addr
}

func (s *search) run(ctx context.Context) (said, error) {
	name := s.r.To
	dots := strings.Count(name, ".")
	whole := strings.HasSuffix(name, ".")
	asIs, root, searched := false, false, false
	last := saidNever
	var err error
	if dots >= s.conf.ndots || whole {
		if last, err = s.query(ctx, name); err != nil || last == saidYes || whole {
			return last, err
		}
		asIs = true
	}
	for _, domain := range s.conf.search {
		searched = true
		domain = strings.TrimPrefix(domain, ".")
		root = root || domain == ""
		if last, err = s.query(ctx, name+"."+domain); err != nil || last == saidYes || last == saidNobody {
			return last, err
		}
		if last == saidAgain || last == saidNever {
			break
		}
	}
	if (dots > 0 || !searched || !s.conf.noTLD) && !asIs && !root {
		return s.query(ctx, name)
	}
	return last, nil
}

// query asks for a name's addresses.
func (s *search) query(ctx context.Context, name string) (said, error) {
	name = dns.Fqdn(name)
	if _, ok := dns.IsDomainName(name); !ok {
		return saidNever, nil
	}
	got, failed, err := s.send(ctx, name)
	if err != nil || len(got) == 0 {
		return failed, err
	}
	for _, msg := range got {
		if msg.Rcode == dns.RcodeSuccess && len(msg.Answer) > 0 {
			for _, msg := range got {
				s.addrs = append(s.addrs, addresses(msg)...)
			}
			return saidYes, nil
		}
	}
	i := slices.IndexFunc(got, func(m *dns.Msg) bool { return m.Rcode != dns.RcodeSuccess })
	if i < 0 {
		return saidNoData, nil
	}
	switch got[i].Rcode {
	case dns.RcodeNameError:
		return saidNoHost, nil
	case dns.RcodeServerFailure:
		return saidFailed, nil
	}
	return saidNever, nil
}

// send asks the servers in turn, several times over, until one has answered. The answers
// are in the order of the questions; without any, failed says why.
func (s *search) send(ctx context.Context, name string) (got []*dns.Msg, failed said, err error) {
	failed = saidNobody
	viaTCP := s.conf.tcp
	for range s.conf.attempts {
		for _, server := range s.conf.servers {
			ex := s.exchange(server, name)
			if err := ex.do(ctx, &viaTCP); err != nil {
				return nil, failed, err
			}
			switch {
			case len(ex.good()) > 0:
				return ex.good(), saidYes, nil
			case ex.rcode == dns.RcodeServerFailure:
				failed = saidFailed
			case ex.rcode >= 0:
				failed = saidNever
			case ex.silent && failed == saidNobody:
				failed = saidAgain
			}
		}
	}
	return nil, failed, nil
}

// exchange is the questions about a name that one server is asked.
type exchange struct {
	*search
	server, name string
	types        []uint16
	answers      map[uint16]*dns.Msg // nil for one that says that the server does not know
	rcode        int                 // of such an answer; -1 if there was none
	silent       bool
}

func (s *search) exchange(server, name string) *exchange {
	ex := &exchange{search: s, server: server, name: name, types: []uint16{dns.TypeA, dns.TypeAAAA}, answers: map[uint16]*dns.Msg{}, rcode: -1}
	if s.conf.noAAAA {
		ex.types = ex.types[:1]
	}
	return ex
}

func (ex *exchange) good() (msgs []*dns.Msg) {
	for _, t := range ex.types {
		if ex.answers[t] != nil {
			msgs = append(msgs, ex.answers[t])
		}
	}
	return msgs
}

// do asks. Where only one of two questions is answered, it asks again one by one, then
// each from a socket of its own, and then makes do with that answer.
func (ex *exchange) do(ctx context.Context, viaTCP *bool) error {
	for {
		clear(ex.answers)
		end, err := asEnding(ex.once(ctx, viaTCP))
		if err != nil {
			return err
		}
		for _, t := range ex.types {
			if _, answered := ex.answers[t]; !answered && end != nil {
				ex.note(ex.server, ex.name, t, nil, end)
			}
		}
		if end == nil {
			return nil
		}
		ex.silent = end.waited && end.ended == engine.Timeout
		ex.lookup.silent[ex.server] = end.waited
		switch {
		case !ex.silent:
			clear(ex.answers) // an error ends it, whatever came before
			return nil
		case len(ex.good()) == 0 || ex.reopen:
			return nil
		}
		ex.single, ex.reopen = true, ex.single
	}
}

func (ex *exchange) once(ctx context.Context, viaTCP *bool) error {
	if !*viaTCP {
		truncated, err := ex.udp(ctx)
		if err != nil || !truncated {
			return err
		}
		*viaTCP = true
		clear(ex.answers)
	}
	for _, t := range ex.types {
		a := ex.attempt("tcp")
		q, wire, err := ex.question(t)
		if err != nil {
			return err
		}
		msg, err := a.askTCP(ctx, q, wire)
		if err != nil {
			return err
		}
		ex.answers[t] = msg
		ex.note(ex.server, ex.name, t, msg, nil)
	}
	return nil
}

// wait is how long a server is waited for: shorter than a program does, because a lab's
// servers answer at once, and only briefly once it was silent.
func (l *lookup) wait(server string) time.Duration {
	wait := min(l.conf.timeout, l.r.Wait)
	if l.silent[server] {
		wait /= 4
	}
	return wait
}

func (ex *exchange) attempt(proto string) *attempt {
	addr, _ := serverAddr(ex.server) // resolv.conf was read
	return &attempt{node: ex.r.From, proto: proto, to: addr, start: time.Now(), wait: ex.wait(ex.server)}
}

func (ex *exchange) question(qtype uint16) (*dns.Msg, []byte, error) {
	q := new(dns.Msg).SetQuestion(ex.name, qtype)
	if ex.conf.edns0 {
		q.SetEdns0(1200, false)
	}
	wire, err := q.Pack()
	return q, wire, err
}

// udp asks all questions at once, or one after another.
func (ex *exchange) udp(ctx context.Context) (truncated bool, err error) {
	batches := [][]uint16{ex.types}
	if ex.single {
		batches = nil
		for _, t := range ex.types {
			batches = append(batches, []uint16{t})
		}
	}
	var a *attempt
	var done func() error
	defer func() {
		if done != nil {
			err = errors.Join(err, done())
		}
	}()
	for _, types := range batches {
		if done == nil || ex.reopen {
			if done != nil {
				if err := done(); err != nil {
					return false, err
				}
			}
			a = ex.attempt("udp")
			if done, err = a.dial(ctx, unix.SOCK_DGRAM); err != nil {
				return false, err
			}
		}
		if truncated, err := ex.batch(ctx, a, types); err != nil || truncated {
			return truncated, err
		}
	}
	return false, nil
}

// batch asks questions from one socket and waits for their answers.
func (ex *exchange) batch(ctx context.Context, a *attempt, types []uint16) (truncated bool, err error) {
	asked := map[uint16]*dns.Msg{}
	for _, t := range types {
		q, wire, err := ex.question(t)
		if err != nil {
			return false, err
		}
		asked[t] = q
		if err := a.send(ctx, wire); err != nil {
			return false, a.explain(ctx, err)
		}
	}
	buf := make([]byte, dns.MaxMsgSize)
	for len(asked) > 0 {
		n, err := a.sock.receive(buf)
		if err != nil {
			return false, a.explain(ctx, err)
		}
		for t, q := range asked {
			msg := responseTo(q, buf[:n])
			if msg == nil {
				continue
			}
			delete(asked, t)
			if msg.Truncated && !useless(msg) {
				return true, nil
			}
			ex.note(ex.server, ex.name, t, msg, nil)
			ex.answers[t] = msg
			if useless(msg) {
				ex.answers[t], ex.rcode = nil, msg.Rcode
			}
		}
	}
	return false, nil
}

// useless reports whether an answer has the next server asked.
func useless(m *dns.Msg) bool {
	switch m.Rcode {
	case dns.RcodeServerFailure, dns.RcodeNotImplemented, dns.RcodeRefused:
		return true
	case dns.RcodeSuccess:
		return len(m.Answer)+len(m.Extra) == 0 && !m.Authoritative && !m.RecursionAvailable
	}
	return false
}
