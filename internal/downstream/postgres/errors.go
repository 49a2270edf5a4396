package postgres

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rollcall-dev/rollcall/internal/downstream"
)

// classified returns an error with its class. Its text has the SQLSTATE and nothing that came from the server, which quotes values.
func classified(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*downstream.Error](err); ok {
		return e
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return downstream.NewError(classOfState(e.Code), e.Code, err)
	}
	if refusesTLS(err) {
		return downstream.NewError(downstream.Refused, "TLS", err)
	}
	code := ""
	if timeout, ok := errors.AsType[net.Error](err); errors.Is(err, context.DeadlineExceeded) || ok && timeout.Timeout() {
		code = "timeout"
	}
	return downstream.NewError(downstream.Unavailable, code, err)
}

// refusesTLS reports whether a connection was given up before anything was sent over it, because the server has no TLS or is
// not the one that it says to be.
func refusesTLS(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return true
	}
	return strings.Contains(err.Error(), "server refused TLS connection")
}

// classOfState says what an SQLSTATE means for what comes next.
func classOfState(code string) downstream.Class {
	switch {
	case code == "23505": // unique violation: something of that key is there
		return downstream.Conflict
	case code == "42501", strings.HasPrefix(code, "28"): // insufficient privilege, invalid authorization
		return downstream.Unauthorized
	case strings.HasPrefix(code, "21"), strings.HasPrefix(code, "22"), strings.HasPrefix(code, "23"), strings.HasPrefix(code, "54"): // an entry twice, data, constraints, limits
		return downstream.BadRecord
	default:
		return downstream.Unavailable
	}
}
