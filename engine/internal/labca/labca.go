// Package labca is a lab's certificate authority: a root that the lab's nodes trust, one
// certificate authority below it, and certificates of servers, good ones and ones with a
// problem that the lab is about. Keys are drawn for each lab that is opened, and nothing
// outside it trusts them.
package labca

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // OpenSSL names files by it
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"strings"
	"time"
)

// Problem is what is wrong with a certificate.
type Problem string

// The problems. None is the zero value.
const (
	None       Problem = ""
	Expired    Problem = "expired"     // ended a day ago
	NotYet     Problem = "not-yet"     // begins in a day
	SelfSigned Problem = "self-signed" // signed with its own key
	Untrusted  Problem = "untrusted"   // signed by an authority that nobody trusts
	Incomplete Problem = "incomplete"  // the server does not send the authority below the root
)

// Names of the authorities.
const (
	rootName         = "Underlay Lab Root CA"
	intermediateName = "Underlay Lab Intermediate CA"
	strangerName     = "Unknown Root CA"
)

const day = 24 * time.Hour

// CA is a lab's certificate authority.
type CA struct {
	now                     time.Time
	root, below, strangerCA *authority
	serial                  int64
}

type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// New makes an authority whose certificates are good at a time, and for a year.
func New(now time.Time) (*CA, error) {
	c := &CA{now: now}
	var err error
	if c.root, err = c.authority(rootName, nil); err != nil {
		return nil, err
	}
	if c.below, err = c.authority(intermediateName, c.root); err != nil {
		return nil, err
	}
	c.strangerCA, err = c.authority(strangerName, nil)
	return c, err
}

// Root is the certificate that nodes trust, in PEM.
func (c *CA) Root() []byte { return encode(c.root.cert.Raw) }

// RootFile is the name that OpenSSL looks the root up by in a directory of certificates: the
// hash of its subject, as X509_NAME_hash makes it.
func (c *CA) RootFile() (string, error) { return hashName(rootName) }

// hashName is the name of a file with a certificate whose subject is one common name. What
// is hashed is the name without its outer sequence, in lower case and UTF-8
// (X509_NAME_hash_ex in crypto/x509/x509_cmp.c, x509_name_canon in x_name.c).
func hashName(commonName string) (string, error) {
	type attribute struct {
		Type  asn1.ObjectIdentifier
		Value string `asn1:"utf8"`
	}
	canonical, err := asn1.MarshalWithParams([]attribute{{asn1.ObjectIdentifier{2, 5, 4, 3}, strings.ToLower(commonName)}}, "set")
	if err != nil {
		return "", err
	}
	sum := sha1.Sum(canonical) //nolint:gosec // see above
	return fmt.Sprintf("%08x.0", binary.LittleEndian.Uint32(sum[:])), nil
}

// Issue makes a server's certificate for names and addresses, the first of which is its
// common name, and returns what the server needs in PEM: its key, its certificate and those
// of authorities that it sends.
func (c *CA) Issue(names []string, problem Problem) ([]byte, error) {
	if len(names) == 0 {
		return nil, fmt.Errorf("a certificate needs a name")
	}
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	t := c.template(names[0])
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, name)
		}
	}
	by, chain := c.below, []*x509.Certificate{c.below.cert}
	switch problem {
	case None:
	case Expired:
		t.NotBefore, t.NotAfter = c.now.Add(-90*day), c.now.Add(-day)
	case NotYet:
		t.NotBefore, t.NotAfter = c.now.Add(day), c.now.Add(91*day)
	case SelfSigned:
		by, chain = &authority{cert: t, key: key}, nil
	case Untrusted:
		by, chain = c.strangerCA, []*x509.Certificate{c.strangerCA.cert}
	case Incomplete:
		chain = nil
	default:
		return nil, fmt.Errorf("a certificate has no problem %q", problem)
	}
	der, err := x509.CreateCertificate(rand.Reader, t, by.cert, key.Public(), by.key)
	if err != nil {
		return nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	out := append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), encode(der)...)
	for _, cert := range chain {
		out = append(out, encode(cert.Raw)...)
	}
	return out, nil
}

// authority makes one that is signed by another, or by itself.
func (c *CA) authority(name string, by *authority) (*authority, error) {
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	t := c.template(name)
	t.IsCA, t.BasicConstraintsValid, t.KeyUsage = true, true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
	if by == nil {
		by = &authority{cert: t, key: key}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, by.cert, key.Public(), by.key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return &authority{cert: cert, key: key}, err
}

// template is a certificate that has begun a quarter of a year ago: clocks may differ.
func (c *CA) template(name string) *x509.Certificate {
	c.serial++
	return &x509.Certificate{
		SerialNumber: big.NewInt(c.serial), Subject: pkix.Name{CommonName: name},
		NotBefore: c.now.Add(-90 * day), NotAfter: c.now.Add(365 * day), KeyUsage: x509.KeyUsageDigitalSignature,
	}
}

func newKey() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

func encode(der []byte) []byte {
	return bytes.Clone(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
