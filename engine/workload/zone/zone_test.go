package zone

import (
	"strings"
	"testing"

	"github.com/miekg/dns"
)

func TestParse(t *testing.T) {
	for _, one := range []struct {
		name   string
		values []string
		want   string // records, an rcode, or what is wrong
	}{
		{"Web.Example", []string{"10.0.0.2", "fd00::2"}, "web.example. A 10.0.0.2; web.example. AAAA fd00::2"},
		{"*.example", []string{"CNAME web.example"}, "*.example. CNAME web.example."},
		{"_http._tcp.a", []string{"SRV 0 5 80 web.a."}, "_http._tcp.a. SRV 0 5 80 web.a."},
		{"a", []string{"MX 10 mail.a"}, "a. MX 10 mail.a."},
		{"a", nil, ""},
		{"a", []string{"SERVFAIL"}, "SERVFAIL"},
		{"*", []string{"SILENT"}, "SILENT"},
		{"a", []string{"REFUSED", "10.0.0.1"}, "error: REFUSED stands alone"},
		{"a", []string{"CNAME b", "10.0.0.1"}, "error: a CNAME stands alone"},
		{"a", []string{"SRV 80 b"}, `error: "SRV 80 b" is no SRV record`},
		{"a", []string{"A 10.0.0.1"}, `error: "A 10.0.0.1" is neither`},
		{"a", []string{"servfail"}, `error: "servfail" is neither`},
		{"a..b", []string{"10.0.0.1"}, `error: "a..b" is no name`},
		{"", []string{"10.0.0.1"}, `error: "" is no name`},
	} {
		a, err := Parse(one.name, one.values)
		var got []string
		for _, rr := range a.Records {
			f := strings.Fields(rr.String())
			got = append(got, f[0]+" "+strings.Join(f[3:], " "))
		}
		switch {
		case err != nil:
			got = []string{"error: " + err.Error()}
		case a.Silent:
			got = []string{Silent}
		case a.Rcode != 0:
			got = []string{dns.RcodeToString[a.Rcode]}
		}
		said := strings.Join(got, "; ")
		if err != nil && strings.HasPrefix(one.want, "error: ") {
			said = said[:min(len(said), len(one.want))] // how it goes on is not looked at
		}
		if said != one.want {
			t.Errorf("%q %q: %s, not %s", one.name, one.values, said, one.want)
		}
	}
}

func TestFind(t *testing.T) {
	z := Zone{}
	for name, values := range map[string][]string{"web.a": {"10.0.0.1"}, "*.a": {"10.0.0.2"}, "*.b.a": {"NXDOMAIN"}, "*": {"SERVFAIL"}} {
		var err error
		if z[Canonical(name)], err = Parse(name, values); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		"web.a.": "10.0.0.1", "x.a.": "10.0.0.2", "y.x.a.": "10.0.0.2", "x.b.a.": "NXDOMAIN", "a.": "SERVFAIL", "c.": "SERVFAIL", ".": "",
	} {
		a, known := z.Find(name)
		got := ""
		switch {
		case len(a.Records) > 0:
			got = a.Records[0].(*dns.A).A.String()
			if a.Records[0].Header().Name != name {
				t.Errorf("%s: the record is of %s", name, a.Records[0].Header().Name)
			}
		case known:
			got = dns.RcodeToString[a.Rcode]
		}
		if got != want {
			t.Errorf("%s: %q, not %q", name, got, want)
		}
	}
}
