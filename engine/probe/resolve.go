package probe

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"

	"underlay/engine"
)

// Resolve finds the address that Do would try. If there is none the Outcome says
// why, in a detail to be shown, and is Unreachable.
func Resolve(ctx context.Context, r Request) (netip.Addr, Outcome, error) {
	if r.Wait <= 0 {
		r.Wait = DefaultWait
	}
	addr, err := resolve(ctx, r)
	var end *ending
	if errors.As(err, &end) {
		return addr, Outcome{Ended: end.ended, Detail: end.detail}, nil
	}
	return addr, Outcome{Ended: engine.OK, Address: addr.String()}, err
}

// resolve finds the address to try: r.To itself, what r.Hosts says, localhost,
// or what the first of r.DNS says that responds. A name that has no address is
// an *ending.
func resolve(ctx context.Context, r Request) (netip.Addr, error) {
	if addr, err := netip.ParseAddr(r.To); err == nil {
		return addr.Unmap(), nil
	}
	name := strings.TrimSuffix(r.To, ".")
	for host, text := range r.Hosts {
		if !strings.EqualFold(strings.TrimSuffix(host, "."), name) {
			continue
		}
		addr, err := netip.ParseAddr(text)
		if err != nil {
			return addr, fmt.Errorf("hosts entry of %s: %w", r.To, err)
		}
		return addr.Unmap(), nil
	}
	if strings.EqualFold(name, "localhost") {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1}), nil
	}
	if _, ok := dns.IsDomainName(name); !ok || name == "" {
		return netip.Addr{}, endf(engine.Unreachable, "could not resolve %q: it is no name", r.To)
	}
	if len(r.DNS) == 0 {
		return netip.Addr{}, endf(engine.Unreachable, "could not resolve %s: %s has no DNS server configured", r.To, r.From.Name)
	}
	return query(ctx, r)
}

// query asks the servers in turn; each gets its share of the wait. As in a
// resolver, the first server that responds decides, whatever it says of each of
// the names that r.To stands for.
func query(ctx context.Context, r Request) (netip.Addr, error) {
	var failed []string
	for _, server := range r.DNS {
		addr, end, err := r.queryOne(ctx, server)
		if err != nil {
			return addr, err
		}
		if end == nil {
			return addr, nil
		}
		if end.ended == engine.OK {
			return addr, endf(engine.Unreachable, "could not resolve %s: %s from %s", r.To, end.detail, server)
		}
		failed = append(failed, fmt.Sprintf("%s: %s", server, end.detail))
	}
	return netip.Addr{}, endf(engine.Unreachable, "could not resolve %s: %s", r.To, strings.Join(failed, "; "))
}

// queryOne asks one server for each of the names that r.To stands for. What it says
// of the last is what counts if none has an address.
func (r Request) queryOne(ctx context.Context, server string) (addr netip.Addr, end *ending, err error) {
	for _, name := range r.candidates(r.To) {
		q := DNSRequest{From: r.From, Server: server, Name: name, Wait: r.Wait / time.Duration(len(r.DNS))}
		addr, end, err = lookup(ctx, q)
		if err != nil || end == nil || end.ended != engine.OK {
			return addr, end, err
		}
	}
	return addr, end, err
}

// lookup asks one server for an IPv4 address, and for an IPv6 one if there is
// none. end says why there is no address; it is OK if the server said so.
func lookup(ctx context.Context, q DNSRequest) (addr netip.Addr, end *ending, err error) {
	for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
		msg, err := ask(ctx, q, qtype)
		if errors.As(err, &end) {
			return addr, end, nil
		}
		if err != nil {
			return addr, nil, err
		}
		if msg.Rcode != dns.RcodeSuccess {
			return addr, endf(engine.OK, "%s", dns.RcodeToString[msg.Rcode]), nil
		}
		for _, text := range answers(msg, qtype) {
			if addr, err := netip.ParseAddr(text); err == nil {
				return addr.Unmap(), nil, nil
			}
		}
	}
	return addr, endf(engine.OK, "no address (NOERROR, empty answer)"), nil
}
