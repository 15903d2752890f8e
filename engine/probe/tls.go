package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"underlay/engine"
)

// TLS is what an http attempt begins with if it is made over TLS.
type TLS struct {
	// Name is what the certificate must be for and, unless it is an address, which the
	// server is asked for (SNI, RFC 6066, 3).
	Name  string
	Roots []byte // the certificates that the node trusts, in PEM
}

// Certificate is what a server showed.
type Certificate struct {
	Version string   // of TLS: "TLS 1.3"
	Names   []string // host names and addresses that it is for
	Issuer  string   // common name of who signed it
	// Problem is why a client must not go on, "" for nothing: expired, not-yet, wrong-name,
	// self-signed or untrusted; and Detail that in words.
	Problem, Detail string
}

// fileConn is a connected socket as the tls package wants one.
type fileConn struct {
	*os.File
	local, remote net.Addr
}

func (c fileConn) LocalAddr() net.Addr  { return c.local }
func (c fileConn) RemoteAddr() net.Addr { return c.remote }

// secure begins TLS on the attempt's connection. It goes on whatever is wrong with the
// certificate, and says what. An error that is no ending says that the server does not
// speak TLS.
func (a *attempt) secure(ctx context.Context, want *TLS) (*tls.Conn, *Certificate, error) {
	c := tls.Client(fileConn{File: a.sock.file, remote: net.TCPAddrFromAddrPort(a.to)}, &tls.Config{
		ServerName: want.Name, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
		InsecureSkipVerify: true, //nolint:gosec // it is verified below, and told
	})
	if err := c.HandshakeContext(ctx); err != nil {
		var alert tls.AlertError
		if remote := (*net.OpError)(nil); errors.As(err, &remote) && remote.Op == "remote error" || errors.As(err, &alert) {
			return nil, nil, endf(engine.Refused, "connection established with %s, which refused TLS (%v)", a.to, errors.Unwrap(err))
		}
		if strange := (tls.RecordHeaderError{}); errors.As(err, &strange) {
			return nil, nil, errNotTLS
		}
		return nil, nil, a.unanswered(ctx, err)
	}
	state := c.ConnectionState()
	leaf := state.PeerCertificates[0]
	cert := &Certificate{Version: tls.VersionName(state.Version), Names: leaf.DNSNames, Issuer: leaf.Issuer.CommonName}
	for _, ip := range leaf.IPAddresses {
		cert.Names = append(cert.Names, ip.String())
	}
	cert.Problem, cert.Detail = verify(state.PeerCertificates, want, time.Now())
	return c, cert, nil
}

var errNotTLS = errors.New("the server does not speak TLS")

// verify says what is wrong with the certificates that a server showed, the first of which
// is its own: the problem, and that in words.
func verify(chain []*x509.Certificate, want *TLS, now time.Time) (problem, detail string) {
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AppendCertsFromPEM(want.Roots)
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	leaf := chain[0]
	const form = "2 January 2006 15:04 MST"
	switch {
	case now.After(leaf.NotAfter):
		return "expired", "the certificate expired on " + leaf.NotAfter.UTC().Format(form)
	case now.Before(leaf.NotBefore):
		return "not-yet", "the certificate is not valid before " + leaf.NotBefore.UTC().Format(form)
	}
	_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: now})
	switch {
	case err == nil:
	case leaf.CheckSignature(leaf.SignatureAlgorithm, leaf.RawTBSCertificate, leaf.Signature) == nil:
		return "self-signed", "the certificate is signed with its own key"
	default:
		return "untrusted", fmt.Sprintf("nothing that is trusted leads to who signed the certificate (%s)", leaf.Issuer.CommonName)
	}
	if err := leaf.VerifyHostname(want.Name); err != nil {
		return "wrong-name", "the certificate is not for " + want.Name
	}
	return "", ""
}
