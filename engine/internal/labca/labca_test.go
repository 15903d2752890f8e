package labca

import (
	"crypto/tls"
	"crypto/x509"
	"strings"
	"testing"
	"time"
)

func TestIssue(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	c, err := New(now)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(c.Root()) {
		t.Fatalf("the root is %s", c.Root())
	}
	for problem, want := range map[Problem]string{
		None: "", Expired: "expired or is not yet valid", NotYet: "expired or is not yet valid", SelfSigned: "unknown authority",
		Untrusted: "unknown authority", Incomplete: "unknown authority",
	} {
		text, err := c.Issue([]string{"shop.example", "10.0.0.2"}, problem)
		if err != nil {
			t.Fatal(err)
		}
		pair, err := tls.X509KeyPair(text, text)
		if err != nil {
			t.Fatalf("%s: %v", problem, err)
		}
		between := x509.NewCertPool()
		for _, der := range pair.Certificate[1:] {
			cert, err := x509.ParseCertificate(der)
			if err != nil {
				t.Fatal(err)
			}
			between.AddCert(cert)
		}
		for _, name := range []string{"shop.example", "10.0.0.2"} {
			_, err = pair.Leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: roots, Intermediates: between, CurrentTime: now})
			if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", problem, err)
			}
		}
		if err := pair.Leaf.VerifyHostname("other.example"); err == nil {
			t.Errorf("%s: it is for everybody", problem)
		}
	}
	if _, err := c.Issue([]string{"a"}, "odd"); err == nil {
		t.Error("an unknown problem is made")
	}
	if _, err := c.Issue(nil, None); err == nil {
		t.Error("a certificate for nobody is made")
	}
}

// The name was made by `openssl x509 -hash` of a certificate with the root's subject.
func TestRootFile(t *testing.T) {
	c, err := New(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if name, err := c.RootFile(); name != "d333df2c.0" || err != nil {
		t.Errorf("%q, %v", name, err)
	}
}
