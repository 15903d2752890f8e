package check

import (
	"slices"
	"strings"

	"underlay/engine"
	"underlay/engine/probe"
)

// problemWords say what a certificate is that has a problem.
var problemWords = map[engine.CertProblem]string{
	engine.CertExpired: "has expired", engine.CertNotYet: "is not valid yet", engine.CertWrongName: "is for another name",
	engine.CertSelfSigned: "is signed with its own key", engine.CertUntrusted: "is signed by nobody who is trusted",
}

// tlsWords say how the certificate must be.
func tlsWords(c engine.TrafficCheck) []string {
	var out []string
	subject := "the certificate"
	if name := request(c).TLS.Name; name != c.To && name != c.Host {
		subject += " shown for " + name
	}
	if c.TLS.Problem == "" {
		out = append(out, subject+" is good")
	} else {
		out = append(out, subject+" "+problemWords[c.TLS.Problem])
	}
	if len(c.TLS.Names) > 0 {
		out = append(out, "it is for "+list(c.TLS.Names)+", too")
	}
	return out
}

// tlsMismatch fails for what is wrong with the certificate that a server showed. It is no
// verdict if nothing is.
func tlsMismatch(c engine.TrafficCheck, out probe.Outcome) verdict {
	if out.TLS == nil {
		return fail("traffic.not-tls", args{})
	}
	got := engine.CertProblem(out.TLS.Problem)
	switch {
	case got != c.TLS.Problem && got == "":
		return fail("traffic.certificate.good", args{Found: out.TLS.Names})
	case got != c.TLS.Problem:
		return fail("traffic.certificate", args{Detail: out.TLS.Detail, Found: out.TLS.Names})
	}
	missing := slices.DeleteFunc(slices.Clone(c.TLS.Names), func(name string) bool {
		return slices.ContainsFunc(out.TLS.Names, func(has string) bool { return strings.EqualFold(has, name) })
	})
	if len(missing) > 0 {
		return fail("traffic.certificate.names", args{Found: out.TLS.Names, Missing: missing})
	}
	return verdict{}
}
