package workload

import (
	"errors"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"underlay/engine/workload/server"
	"underlay/engine/workload/zone"
)

// Counter is the name whose TXT record, in class IN or CH, is the number of
// queries that the dns workload was asked since it started. "NAME.queries.underlay."
// counts the queries for NAME. Questions about the counters are not counted.
const Counter = "queries.underlay."

const (
	maxNames   = 10000 // names counted one by one; more only add to the total
	maxAliases = 8     // that an answer follows
)

// dnsServer answers from a fixed table, over UDP and TCP.
type dnsServer struct {
	udp, tcp *dns.Server

	zone  zone.Zone
	delay time.Duration // before each answer

	mu     sync.Mutex
	total  int
	asked  map[string]int // canonical name → queries
	closed bool
}

func listenDNS(z zone.Zone, delay time.Duration, addr string) (server.Server, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	pc, err := net.ListenPacket("udp", addr)
	if err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	s := &dnsServer{zone: z, delay: delay, asked: map[string]int{}}
	h := dns.HandlerFunc(s.answer)
	s.udp = &dns.Server{PacketConn: pc, Handler: h}
	s.tcp = &dns.Server{Listener: ln, Handler: h}
	return s, nil
}

// Serve answers over both.
func (s *dnsServer) Serve() error {
	ended := make(chan error, 2)
	go func() { ended <- s.udp.ActivateAndServe() }()
	go func() { ended <- s.tcp.ActivateAndServe() }()
	first := <-ended
	return errors.Join(server.UnlessClosed(first), s.Close(), server.UnlessClosed(<-ended))
}

// Close closes the sockets; queries under way are not waited for.
func (s *dnsServer) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	return errors.Join(server.UnlessClosed(s.udp.PacketConn.Close()), server.UnlessClosed(s.tcp.Listener.Close()))
}

// answer handles one query.
func (s *dnsServer) answer(w dns.ResponseWriter, q *dns.Msg) {
	m := new(dns.Msg)
	if len(q.Question) != 1 || q.Opcode != dns.OpcodeQuery {
		m.SetRcode(q, dns.RcodeNotImplemented)
	} else {
		m.SetReply(q)
		m.Authoritative, m.RecursionAvailable = true, true
		if !s.fill(m, q.Question[0]) {
			return
		}
	}
	time.Sleep(s.delay) // each question has a goroutine of its own
	if w.LocalAddr().Network() == "udp" {
		size := dns.MinMsgSize
		if opt := q.IsEdns0(); opt != nil {
			size = max(size, int(opt.UDPSize()))
			m.SetEdns0(opt.UDPSize(), false)
		}
		m.Truncate(size)
	}
	_ = w.WriteMsg(m) // an error means that the client has gone
}

// fill answers one question; it reports whether there is an answer at all.
func (s *dnsServer) fill(m *dns.Msg, q dns.Question) bool {
	name := zone.Canonical(q.Name)
	if name == Counter || strings.HasSuffix(name, "."+Counter) {
		s.fillCounter(m, q, name)
		return true
	}
	s.count(name)
	if q.Qclass != dns.ClassINET && q.Qclass != dns.ClassANY {
		m.Rcode = dns.RcodeRefused
		return true
	}
	for range maxAliases {
		a, known := s.zone.Find(name)
		if !known {
			a.Rcode = dns.RcodeNameError
		}
		if a.Silent {
			return false
		}
		m.Rcode = a.Rcode
		alias := ""
		for _, rr := range a.Records {
			cname, is := rr.(*dns.CNAME)
			if q.Qtype == dns.TypeANY || q.Qtype == rr.Header().Rrtype || is {
				m.Answer = append(m.Answer, rr)
			}
			if is && q.Qtype != dns.TypeCNAME && q.Qtype != dns.TypeANY {
				alias = zone.Canonical(cname.Target)
			}
		}
		if name = alias; name == "" {
			break
		}
	}
	return true
}

func (s *dnsServer) fillCounter(m *dns.Msg, q dns.Question, name string) {
	if q.Qtype != dns.TypeTXT && q.Qtype != dns.TypeANY {
		return
	}
	s.mu.Lock()
	n := s.total
	if of := strings.TrimSuffix(name, Counter); of != "" {
		n = s.asked[of]
	}
	s.mu.Unlock()
	m.Answer = append(m.Answer, &dns.TXT{
		Hdr: dns.RR_Header{Name: q.Name, Rrtype: dns.TypeTXT, Class: q.Qclass},
		Txt: []string{strconv.Itoa(n)},
	})
}

func (s *dnsServer) count(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total++
	if _, known := s.asked[name]; known || len(s.asked) < maxNames {
		s.asked[name]++
	}
}
