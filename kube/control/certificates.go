package control

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"
)

// Lifetime is how long certificates are valid. A cluster lives as long as its
// lab; a day is enough for the longest.
const lifetime = 24 * time.Hour

// An Authority signs the certificates of one cluster, of servers and clients
// alike. Its keys are of the P-256 curve, because they are made anew with each
// cluster: an RSA key would take a tenth of a second.
type Authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// LoadAuthority takes over the authority that an earlier process of the cluster has
// left in dir, or makes one and leaves it there.
func LoadAuthority(dir string) (*Authority, error) {
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, authorityCert), filepath.Join(dir, authorityKey))
	if errors.Is(err, fs.ErrNotExist) {
		return makeAuthority(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("the cluster's authority: %w", err)
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return nil, errors.New("the cluster's authority: its key is not of an elliptic curve")
	}
	return &Authority{pair.Leaf, key}, nil
}

// Files of a cluster's keys and certificates.
const (
	authorityCert = "ca.crt"
	authorityKey  = "ca.key"
	tokensKey     = "sa.key"
)

func makeAuthority(dir string) (*Authority, error) {
	a, err := newAuthority()
	if err != nil {
		return nil, err
	}
	key, err := keyPEM(a.key)
	if err != nil {
		return nil, err
	}
	return a, errors.Join(os.MkdirAll(dir, 0o700),
		os.WriteFile(filepath.Join(dir, authorityKey), key, 0o600),
		os.WriteFile(filepath.Join(dir, authorityCert), a.PEM(), 0o600))
}

// newAuthority makes an authority.
func newAuthority() (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("key of the cluster's authority: %w", err)
	}
	template := certificate("kubernetes")
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("certificate of the cluster's authority: %w", err)
	}
	signed, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("certificate of the cluster's authority: %w", err)
	}
	return &Authority{signed, key}, nil
}

// PEM is the authority's certificate, in PEM.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})
}

// Pool holds the authority's certificate only.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

// Client returns the certificate and key, in PEM, of a client whom the API
// server takes for the given user in the given groups.
func (a *Authority) Client(user string, groups ...string) (cert, key []byte, err error) {
	template := certificate(user)
	template.Subject.Organization = groups
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	return a.sign(template)
}

// Server returns the certificate and key, in PEM, of a server that is reached
// at the given names and addresses.
func (a *Authority) Server(name string, names []string, addresses ...netip.Addr) (cert, key []byte, err error) {
	template := certificate(name)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	template.DNSNames = names
	for _, address := range addresses {
		template.IPAddresses = append(template.IPAddresses, net.IP(address.AsSlice()))
	}
	return a.sign(template)
}

// Kubelet returns the serving certificate of a node's kubelet.
func (a *Authority) Kubelet(node string, address netip.Addr) (tls.Certificate, error) {
	cert, key, err := a.Server("system:node:"+node, []string{node}, address)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(cert, key)
}

func certificate(name string) *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{
		Subject:   pkix.Name{CommonName: name},
		NotBefore: now.Add(-time.Minute),
		NotAfter:  now.Add(lifetime),
	}
}

func (a *Authority) sign(template *x509.Certificate) (cert, key []byte, err error) {
	fail := func(err error) ([]byte, []byte, error) {
		return nil, nil, fmt.Errorf("certificate of %s: %w", template.Subject.CommonName, err)
	}
	template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return fail(err)
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fail(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, private.Public(), a.key)
	if err != nil {
		return fail(err)
	}
	cert = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	key, err = keyPEM(private)
	return cert, key, err
}

func keyPEM(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), nil
}

// WritePKI writes what the API server reads from files to dir, where the authority
// itself is already: its own certificate, its certificate as a client of kubelets, and the key
// that signs the tokens of service accounts, unless it is there.
func (a *Authority) writePKI(dir string, serving, client pair) error {
	tokensPEM, err := os.ReadFile(filepath.Join(dir, tokensKey))
	if errors.Is(err, fs.ErrNotExist) {
		tokensPEM, err = newKey()
	}
	if err != nil {
		return fmt.Errorf("key of service accounts: %w", err)
	}
	for name, data := range map[string][]byte{
		"apiserver.crt":                serving.cert,
		"apiserver.key":                serving.key,
		"apiserver-kubelet-client.crt": client.cert,
		"apiserver-kubelet-client.key": client.key,
		tokensKey:                      tokensPEM,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// newKey makes a key, in PEM.
func newKey() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	return keyPEM(key)
}

// A pair is a certificate and its key, both in PEM.
type pair struct{ cert, key []byte }
