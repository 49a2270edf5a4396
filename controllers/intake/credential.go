package intake

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"time"
)

// lifetime is how long a certificate made here is good for.
const lifetime = 30 * 24 * time.Hour

// credential is a serving certificate with the authority that vouches for it. Each has an authority of its own, whose key
// is forgotten as soon as it has signed: nobody can ever sign anything else with it.
type credential struct {
	authority []byte // PEM
	serving   *tls.Certificate
	notBefore time.Time
	notAfter  time.Time
}

// renewAt is when the next one is to be made.
func (c *credential) renewAt() time.Time {
	return c.notBefore.Add(c.notAfter.Sub(c.notBefore) * 2 / 3)
}

// mint makes a credential for DNS names. A clock of a client that is a little slow is no reason to refuse it.
func mint(names []string, now time.Time) (*credential, error) {
	c := &credential{notBefore: now.Add(-5 * time.Minute).Truncate(time.Second), notAfter: now.Add(lifetime).Truncate(time.Second)}
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the key of an authority: %w", err)
	}
	authority, err := c.template("Rollcall intake, authority")
	if err != nil {
		return nil, err
	}
	authority.IsCA, authority.BasicConstraintsValid, authority.MaxPathLenZero = true, true, true
	authority.KeyUsage = x509.KeyUsageCertSign
	authority.PermittedDNSDomainsCritical, authority.PermittedDNSDomains = true, names
	der, err := x509.CreateCertificate(rand.Reader, authority, authority, authorityKey.Public(), authorityKey)
	if err != nil {
		return nil, fmt.Errorf("signing the certificate of an authority: %w", err)
	}
	if authority, err = x509.ParseCertificate(der); err != nil {
		return nil, fmt.Errorf("reading the certificate of an authority: %w", err)
	}
	c.authority = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})

	servingKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the key of a server: %w", err)
	}
	serving, err := c.template("Rollcall intake")
	if err != nil {
		return nil, err
	}
	serving.DNSNames = names
	serving.KeyUsage, serving.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	der, err = x509.CreateCertificate(rand.Reader, serving, authority, servingKey.Public(), authorityKey)
	if err != nil {
		return nil, fmt.Errorf("signing the certificate of a server: %w", err)
	}
	c.serving = &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: servingKey}
	return c, nil
}

func (c *credential) template(name string) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("choosing a serial number: %w", err)
	}
	// The number in the subject tells authorities apart, since several are trusted at a time.
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name, SerialNumber: serial.Text(16)},
		NotBefore: c.notBefore, NotAfter: c.notAfter,
	}, nil
}
