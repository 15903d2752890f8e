package probe

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"

	"underlay/engine"
)

// DNSRequest is one question to a name server.
type DNSRequest struct {
	From   Node
	Server string // "ADDR" or "ADDR:PORT"
	Name   string // taken as fully qualified: no search domain is added
	Type   string // A unless given
	TCP    bool   // ask by TCP; else by UDP, and by TCP if the answer is truncated
	Wait   time.Duration
}

// DNSOutcome is how a question ended. Any response is ok, whatever its rcode.
type DNSOutcome struct {
	Ended   engine.Expect
	Detail  string
	Rcode   string   // NOERROR, NXDOMAIN, SERVFAIL …; "" without a response
	Answers []string // data of the answer's records of the type asked for, as in a zone file; TXT without quotes
	Took    time.Duration
}

// DNS asks one question. As with Do, the error is for what could not be found out.
func DNS(ctx context.Context, r DNSRequest) (DNSOutcome, error) {
	start := time.Now()
	if r.Wait <= 0 {
		r.Wait = DefaultWait
	}
	if r.Type == "" {
		r.Type = "A"
	}
	qtype, known := dns.StringToType[strings.ToUpper(r.Type)]
	if !known {
		return DNSOutcome{}, fmt.Errorf("ask from %s for %s: unknown type %q", r.From.Name, r.Name, r.Type)
	}
	msg, err := ask(ctx, r, qtype)
	o := DNSOutcome{Took: time.Since(start)}
	var end *ending
	if errors.As(err, &end) {
		o.Ended, o.Detail = end.ended, end.detail
		return o, nil
	}
	if err != nil {
		return o, fmt.Errorf("ask from %s for %s: %w", r.From.Name, r.Name, err)
	}
	o.Ended, o.Rcode = engine.OK, dns.RcodeToString[msg.Rcode]
	o.Detail = fmt.Sprintf("%s from %s", o.Rcode, r.Server)
	o.Answers = answers(msg, qtype)
	return o, nil
}

// answers lists the data of the records of one type.
func answers(msg *dns.Msg, qtype uint16) []string {
	var out []string
	for _, rr := range msg.Answer {
		if qtype != dns.TypeANY && rr.Header().Rrtype != qtype {
			continue
		}
		if txt, ok := rr.(*dns.TXT); ok {
			out = append(out, strings.Join(txt.Txt, ""))
			continue
		}
		out = append(out, strings.TrimPrefix(rr.String(), rr.Header().String()))
	}
	return out
}

// ask puts the question to r.Server and returns its response.
func ask(ctx context.Context, r DNSRequest, qtype uint16) (*dns.Msg, error) {
	if r.Server == "" {
		return nil, endf(engine.Unreachable, "%s has no DNS server configured", r.From.Name)
	}
	server, err := serverAddr(r.Server)
	if err != nil {
		return nil, err
	}
	q := new(dns.Msg)
	q.SetQuestion(dns.Fqdn(r.Name), qtype)
	wire, err := q.Pack()
	if err != nil {
		return nil, fmt.Errorf("question: %w", err)
	}
	a := &attempt{node: r.From, proto: "udp", to: server, start: time.Now(), wait: r.Wait}
	if !r.TCP {
		msg, err := a.askUDP(ctx, q, wire)
		if err != nil || !msg.Truncated {
			return msg, err
		}
	}
	a.proto, a.start = "tcp", time.Now()
	return a.askTCP(ctx, q, wire)
}

// serverAddr reads "ADDR" or "ADDR:PORT".
func serverAddr(s string) (netip.AddrPort, error) {
	if addr, err := netip.ParseAddr(s); err == nil {
		return netip.AddrPortFrom(addr.Unmap(), 53), nil
	}
	ap, err := netip.ParseAddrPort(s)
	if err != nil {
		return ap, fmt.Errorf("name server %q: want ADDR or ADDR:PORT", s)
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()), nil
}

func (a *attempt) askUDP(ctx context.Context, q *dns.Msg, wire []byte) (msg *dns.Msg, err error) {
	done, err := a.dial(ctx, unix.SOCK_DGRAM)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, done()) }()
	if err := a.send(ctx, wire); err != nil {
		return nil, a.explain(ctx, err)
	}
	buf := make([]byte, dns.MaxMsgSize)
	for {
		n, err := a.sock.receive(buf)
		if err != nil {
			return nil, a.explain(ctx, err)
		}
		if msg := responseTo(q, buf[:n]); msg != nil {
			return msg, nil
		}
	}
}

func (a *attempt) askTCP(ctx context.Context, q *dns.Msg, wire []byte) (msg *dns.Msg, err error) {
	done, err := a.dial(ctx, unix.SOCK_STREAM)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, done()) }()
	framed := append(binary.BigEndian.AppendUint16(nil, uint16(len(wire))), wire...)
	if _, err := a.sock.file.Write(framed); err != nil {
		return nil, a.unanswered(ctx, err)
	}
	var size [2]byte
	if _, err := io.ReadFull(a.sock.file, size[:]); err != nil {
		return nil, a.unanswered(ctx, err)
	}
	buf := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(a.sock.file, buf); err != nil {
		return nil, a.unanswered(ctx, err)
	}
	if msg = responseTo(q, buf); msg == nil {
		return nil, fmt.Errorf("%s answered by TCP with something else than a response", a.to)
	}
	return msg, nil
}

// responseTo parses b; nil if it is no response to q.
func responseTo(q *dns.Msg, b []byte) *dns.Msg {
	msg := new(dns.Msg)
	if err := msg.Unpack(b); err != nil || msg.Id != q.Id || !msg.Response {
		return nil
	}
	if len(msg.Question) == 1 && !strings.EqualFold(msg.Question[0].Name, q.Question[0].Name) {
		return nil
	}
	return msg
}
