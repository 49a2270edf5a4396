package postgres

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rollcall-dev/rollcall/internal/downstream"
)

// Config is what a Downstream and its Secret say.
type Config struct {
	// DSN is a connection string, as a URL or as keywords and values. Host, user and database are required.
	DSN string
	// Schema is where the tables are; empty: rollcall.
	Schema string
	// Organization is the namespace; rows that it writes have it. Empty: rows have none, as if they were made by hand.
	Organization string
	// CA are certificates in PEM to trust instead of those of the machine; nil: those of the machine.
	CA []byte
	// AllowPlaintext permits an sslmode other than verify-full.
	AllowPlaintext bool
	// Dial makes connections, to host:port with the host as the DSN has it; nil: net.Dialer. The rules about addresses, and
	// whether the Secret still permits a connection, are its matter.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

const (
	defaultSchema  = "rollcall"
	defaultTimeout = 30 * time.Second
)

var schemaName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)

// settings are the parameters of a connection string that are understood. Others are refused rather than ignored: some of them
// name files of the machine that the operator runs on.
var settings = []string{"host", "port", "user", "password", "dbname", "sslmode", "application_name", "connect_timeout", "target_session_attrs"}

var errDSN = errors.New("reading the connection string")

// refusedConfig is an error whose text may be shown: it names a setting and never its value.
func refusedConfig(why string) error {
	return downstream.NewError(downstream.Refused, why, fmt.Errorf("%w: %s", errDSN, why))
}

// parseDSN returns the settings of a connection string.
func parseDSN(dsn string) (map[string]string, error) {
	var out map[string]string
	var err error
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		out, err = parseURL(dsn)
	} else {
		out, err = parseKeywords(dsn)
	}
	if err != nil {
		return nil, err
	}
	for name, value := range out {
		if !slices.Contains(settings, name) {
			return nil, refusedConfig("setting not supported: " + printable(name))
		}
		if strings.ContainsRune(value, 0) {
			return nil, refusedConfig("NUL in " + name)
		}
	}
	for _, name := range []string{"host", "user", "dbname"} {
		if out[name] == "" {
			return nil, refusedConfig("no " + name)
		}
	}
	if strings.ContainsAny(out["host"], "/,@") {
		return nil, refusedConfig("host is to be one name or address")
	}
	return out, nil
}

// printable keeps what a mistyped password may have put in the place of a name out of messages.
func printable(name string) string {
	if regexp.MustCompile(`^[a-z_]{1,40}$`).MatchString(name) {
		return name
	}
	return "unknown"
}

func parseURL(dsn string) (map[string]string, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return nil, refusedConfig("not a URL") // the error of url quotes it
	}
	out := map[string]string{"host": u.Hostname(), "dbname": strings.TrimPrefix(u.Path, "/")}
	if u.Port() != "" {
		out["port"] = u.Port()
	}
	if u.User != nil {
		out["user"] = u.User.Username()
		out["password"], _ = u.User.Password()
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, refusedConfig("not a URL")
	}
	for name, values := range query {
		out[name] = values[len(values)-1]
	}
	return out, nil
}

// parseKeywords reads keyword=value pairs; values with spaces are in single quotes, with backslashes before quotes.
func parseKeywords(dsn string) (map[string]string, error) {
	out := map[string]string{}
	for rest := strings.TrimSpace(dsn); rest != ""; rest = strings.TrimLeft(rest, " \t\r\n") {
		name, after, found := strings.Cut(rest, "=")
		if name = strings.TrimSpace(name); !found || name == "" {
			return nil, refusedConfig("neither a URL nor keywords and values")
		}
		after = strings.TrimLeft(after, " \t\r\n")
		quoted := strings.HasPrefix(after, "'")
		if quoted {
			after = after[1:]
		}
		var value strings.Builder
		end := -1
		for i := 0; i < len(after); i++ {
			c := after[i]
			if c == '\\' && i+1 < len(after) {
				i++
				value.WriteByte(after[i])
				continue
			}
			if quoted && c == '\'' || !quoted && strings.IndexByte(" \t\r\n", c) >= 0 {
				end = i
				break
			}
			value.WriteByte(c)
		}
		if quoted && end < 0 {
			return nil, refusedConfig("a quote is not closed")
		}
		out[name] = value.String()
		if end < 0 {
			break
		}
		rest = after[end+1:]
	}
	return out, nil
}

// connection returns what pgx connects with. The environment (PGHOST, PGSSLMODE, PGOPTIONS and so on) and files (passwords,
// services, client certificates) have no part in it.
func (c Config) connection(timeout time.Duration) (*pgx.ConnConfig, error) {
	dsn, err := parseDSN(c.DSN)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(orElse(dsn["port"], "5432"), 10, 16)
	if err != nil || port == 0 {
		return nil, refusedConfig("port is to be a number")
	}
	out, err := blank()
	if err != nil {
		return nil, err
	}
	out.Host, out.Port, out.User, out.Password, out.Database = dsn["host"], uint16(port), dsn["user"], dsn["password"], dsn["dbname"]
	out.RuntimeParams = map[string]string{"application_name": orElse(dsn["application_name"], "rollcall")}
	out.ConnectTimeout = timeout
	if seconds, err := strconv.Atoi(dsn["connect_timeout"]); err == nil && seconds > 0 {
		out.ConnectTimeout = min(timeout, time.Duration(seconds)*time.Second)
	}
	if err := c.secure(out, orElse(dsn["sslmode"], "verify-full")); err != nil {
		return nil, err
	}
	out.DialFunc = c.Dial
	if c.Dial == nil {
		out.DialFunc = (&net.Dialer{}).DialContext
	}
	// The dialer resolves: it judges the address that it connects to.
	out.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil }
	out.ValidateConnect = nil
	if dsn["target_session_attrs"] == "read-write" {
		out.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	out.OnNotice = func(*pgconn.PgConn, *pgconn.Notice) {}
	// No prepared statements: poolers that give a connection to a transaction only are welcome.
	out.DefaultQueryExecMode = pgx.QueryExecModeExec
	return out, nil
}

// blank is a configuration in which every setting that pgx takes from the environment has a value of its own.
func blank() (*pgx.ConnConfig, error) {
	out, err := pgx.ParseConfig("host=localhost port=5432 user=none password=none database=none passfile='' sslmode=disable sslkey='' sslcert='' " +
		"sslcertmode=disable sslsni=1 sslrootcert='' sslpassword='' sslnegotiation=postgres target_session_attrs=any connect_timeout=0 " +
		"application_name='' timezone='' options='' min_protocol_version='' max_protocol_version='' channel_binding=prefer require_auth=''")
	if err != nil { // PGSERVICE is set: a service stands for anything
		return nil, refusedConfig("environment variables of PostgreSQL are set")
	}
	out.Fallbacks, out.KerberosSrvName, out.KerberosSpn = nil, "", ""
	return out, nil
}

// secure sets TLS by the mode. Only verify-full proves who the server is.
func (c Config) secure(out *pgx.ConnConfig, mode string) error {
	if !slices.Contains([]string{"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}, mode) {
		return refusedConfig("sslmode is not known")
	}
	if mode != "verify-full" && !c.AllowPlaintext {
		return refusedConfig("sslmode is not verify-full")
	}
	var roots *x509.CertPool
	if c.CA != nil {
		roots = x509.NewCertPool()
		if !roots.AppendCertsFromPEM(c.CA) {
			return refusedConfig("no certificate in ca.crt")
		}
	}
	verified := &tls.Config{ServerName: out.Host, RootCAs: roots, MinVersion: tls.VersionTLS12}
	unverified := &tls.Config{ServerName: out.Host, InsecureSkipVerify: true, MinVersion: tls.VersionTLS12} //nolint:gosec // asked for by the DSN, and permitted by the Secret
	anyName := unverified.Clone()
	anyName.VerifyConnection = func(s tls.ConnectionState) error { return verifyChain(s, roots) }
	other := func(config *tls.Config) []*pgconn.FallbackConfig {
		return []*pgconn.FallbackConfig{{Host: out.Host, Port: out.Port, TLSConfig: config}}
	}
	switch mode {
	case "verify-full":
		out.TLSConfig = verified
	case "verify-ca":
		out.TLSConfig = anyName
	case "require":
		out.TLSConfig = unverified
	case "prefer":
		out.TLSConfig, out.Fallbacks = unverified, other(nil)
	case "allow":
		out.TLSConfig, out.Fallbacks = nil, other(unverified)
	case "disable":
		out.TLSConfig = nil
	}
	return nil
}

// verifyChain checks everything about a certificate but the name.
func verifyChain(s tls.ConnectionState, roots *x509.CertPool) error {
	options := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
	for _, c := range s.PeerCertificates[1:] {
		options.Intermediates.AddCert(c)
	}
	_, err := s.PeerCertificates[0].Verify(options)
	return err
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
