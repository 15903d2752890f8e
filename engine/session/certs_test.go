package session_test

import (
	"strings"
	"testing"
	"time"

	"underlay/engine"
	"underlay/engine/session"
)

// secure is a lab in which a calls servers of b over TLS.
func secure() *engine.Lab {
	over := func(id string, tls engine.TLS, port int) engine.Task {
		return engine.Task{ID: id, Mode: engine.Now, Checks: []engine.Check{{Traffic: &engine.TrafficCheck{
			From: "a", To: "10.0.0.2", Port: port, Proto: "http", Expect: engine.OK, Served: "b", TLS: &tls, Within: 5 * time.Second,
		}}}}
	}
	return &engine.Lab{
		ID: "secure",
		Topology: engine.Topology{
			Nodes: []engine.Node{{Name: "a", Shell: true, Hosts: map[string]string{"shop.example": "10.0.0.2", "old.example": "10.0.0.2"}}, {Name: "b"}},
			Links: []engine.Link{{
				A: engine.End{Node: "a", Name: "eth0", Address: []string{"10.0.0.1/24"}},
				B: engine.End{Node: "b", Name: "eth0", Address: []string{"10.0.0.2/24"}},
			}},
			Workloads: []engine.Workload{
				{Node: "b", Kind: "https", Name: "b", Listen: ":443", Certs: []engine.Cert{
					{Names: []string{"shop.example", "10.0.0.2"}}, {Names: []string{"old.example"}, Problem: "expired"},
					{Names: []string{"half.example"}, Problem: "incomplete"}, {Names: []string{"own.example"}, Problem: "self-signed"},
				}},
				{Node: "b", Kind: "http", Name: "b", Listen: ":80"},
			},
		},
		Tasks: []engine.Task{
			over("address", engine.TLS{}, 443), over("name", engine.TLS{Name: "shop.example", Names: []string{"10.0.0.2"}}, 443),
			over("expired", engine.TLS{Name: "old.example", Problem: engine.CertExpired}, 443),
			over("own", engine.TLS{Name: "own.example", Problem: engine.CertSelfSigned}, 443),
			over("half", engine.TLS{Name: "half.example", Problem: engine.CertUntrusted}, 443),
			over("other", engine.TLS{Name: "other.example", Problem: engine.CertWrongName}, 443),
			over("wrong", engine.TLS{Name: "old.example"}, 443),
			over("plain", engine.TLS{}, 80),
		},
	}
}

func TestServersSpeakTLS(t *testing.T) {
	s := open(t, secure())
	for id, want := range map[string]engine.State{
		"address": engine.Pass, "name": engine.Pass, "expired": engine.Pass, "own": engine.Pass, "half": engine.Pass, "other": engine.Pass,
		"wrong": engine.Fail, "plain": engine.Fail,
	} {
		await(t, s, id, want)
	}
	atRest(t, s)
	for _, r := range s.Status().Tasks {
		words := map[string]string{"wrong": "the certificate expired on ", "plain": "does not speak TLS"}[r.ID]
		if !strings.Contains(r.Got, words) {
			t.Errorf("%s: %s", r.ID, r.Got)
		}
	}
	// A client that knows nothing of us finds the same.
	for command, want := range map[string]string{
		"curl -sS https://shop.example/":                                                     "TLS 1.3, SNI: shop.example",
		"curl -sS https://old.example/; echo $?":                                             "certificate has expired",
		"curl -sS --connect-to ::10.0.0.2: https://half.example/; echo $?":                   "unable to get local issuer certificate",
		"curl -sS --connect-to ::10.0.0.2: https://other.example/ ; echo $?":                 "other.example",
		"cat /etc/ssl/certs/*.0 >/tmp/ca; curl -sS --cacert /tmp/ca https://10.0.0.2/whoami": `"tls":"TLS 1.3"`,
	} {
		out, err := session.Run(t.Context(), s, "a", command+" 2>&1")
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("%s: %v\n%s", command, err, out)
		}
	}
	// What a node trusts is looked at again: all trust what is in /etc/ssl.
	if _, err := session.Run(t.Context(), s, "a", "mv /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/gone"); err != nil {
		t.Fatal(err)
	}
	s.Poke()
	await(t, s, "name", engine.Fail)
	if _, err := session.Run(t.Context(), s, "b", "cp /etc/ssl/certs/gone /etc/ssl/certs/ca-certificates.crt"); err != nil {
		t.Fatal(err)
	}
	s.Poke()
	await(t, s, "name", engine.Pass)
}
