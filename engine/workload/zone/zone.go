// Package zone reads the records of a dns workload: it is what a lab's author writes, and
// what the workload is started with.
package zone

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// TTL is that of all records, in seconds.
const TTL = 30

// Silent is the value of a name about which the server does not answer at all.
const Silent = "SILENT"

// rcodes are values that stand for an answer without records.
var rcodes = map[string]int{"NXDOMAIN": dns.RcodeNameError, "SERVFAIL": dns.RcodeServerFailure, "REFUSED": dns.RcodeRefused}

// types of records that a value can have, its data after it.
var types = []string{"CNAME", "PTR", "SRV", "TXT", "MX", "NS"}

// Answer is what a server says about a name.
type Answer struct {
	Records []dns.RR // of the name; none with an Rcode
	Rcode   int      // of dns.Rcode…
	Silent  bool     // nothing
}

// Parse reads what a server says about a name. Each value is an address, or a type and its
// data as in a zone file ("CNAME web.example", "SRV 0 5 80 web.example"), whose names are
// whole. NXDOMAIN, SERVFAIL, REFUSED or SILENT stands alone. A name that begins with "*." is
// for all below it, and "*" is for all that there are.
func Parse(name string, values []string) (a Answer, err error) {
	owner := Canonical(name)
	if _, ok := dns.IsDomainName(owner); !ok || name == "" {
		return a, fmt.Errorf("%q is no name", name)
	}
	for _, v := range values {
		rcode, alone := rcodes[v]
		if v == Silent || alone {
			if len(values) > 1 {
				return a, fmt.Errorf("%s stands alone, without records", v)
			}
			return Answer{Rcode: rcode, Silent: v == Silent}, nil
		}
		rr, err := record(owner, strings.TrimSpace(v))
		if err != nil {
			return a, err
		}
		a.Records = append(a.Records, rr)
	}
	if alias := slices.ContainsFunc(a.Records, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeCNAME }); alias && len(a.Records) > 1 {
		return a, errors.New("a CNAME stands alone: an alias has no other records")
	}
	return a, nil
}

// record reads one value.
func record(owner, value string) (dns.RR, error) {
	typ, data, _ := strings.Cut(value, " ")
	if addr, err := netip.ParseAddr(value); err == nil {
		typ, data = "A", value
		if addr.Is6() {
			typ = "AAAA"
		}
	} else if !slices.Contains(types, typ) {
		return nil, fmt.Errorf("%q is neither an address nor a record; write it as in %q, %q or %q", value, "10.0.0.1", "CNAME web.example", "SERVFAIL")
	}
	rr, err := dns.NewRR(fmt.Sprintf("%s %d IN %s %s", owner, TTL, typ, data))
	if err != nil || rr == nil {
		return nil, fmt.Errorf("%q is no %s record", value, typ)
	}
	return rr, nil
}

// Canonical is a name in lower case with its final dot.
func Canonical(name string) string { return strings.ToLower(dns.Fqdn(name)) }

// Zone is all that a server knows, by canonical name.
type Zone map[string]Answer

// Find returns what the zone says about a canonical name: its own answer, or that of the
// nearest wildcard.
func (z Zone) Find(name string) (a Answer, known bool) {
	if a, known = z[name]; known {
		return a, true
	}
	for rest := name; rest != "" && rest != "."; {
		_, rest, _ = strings.Cut(rest, ".")
		if a, known = z["*."+rest]; known {
			break
		}
	}
	return named(a, name), known
}

// named gives a wildcard's records the name that was asked for.
func named(a Answer, name string) Answer {
	records := make([]dns.RR, len(a.Records))
	for i, rr := range a.Records {
		records[i] = dns.Copy(rr)
		records[i].Header().Name = name
	}
	a.Records = records
	return a
}
