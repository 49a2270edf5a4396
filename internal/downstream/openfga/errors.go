package openfga

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"

	openfgav1 "github.com/openfga/api/proto/openfga/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/rollcall-dev/rollcall/internal/downstream"
)

// classified returns an error with its class. Its text has the name of a code and nothing that came from the server, which quotes
// tuples.
func classified(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*downstream.Error](err); ok {
		return e
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return downstream.NewError(downstream.Unavailable, "timeout", err)
	}
	s, ok := status.FromError(err)
	if !ok || errors.Is(err, io.EOF) {
		return downstream.NewError(downstream.Unavailable, "", err)
	}
	class, code := classOf(s)
	e := downstream.NewError(class, code, err)
	for _, detail := range s.Details() {
		if retry, ok := detail.(*errdetails.RetryInfo); ok {
			e.RetryAfter = retry.GetRetryDelay().AsDuration()
		}
	}
	return e
}

// classOf says what a status means for what comes next. OpenFGA answers with numbers of its own, in ranges: 1000 authentication,
// 2000 what was asked, 3500 throttling, 4000 the server, 5000 what was not found.
func classOf(s *status.Status) (class downstream.Class, code string) {
	number := int32(s.Code())
	switch s.Code() {
	case codes.Unauthenticated, codes.PermissionDenied:
		return downstream.Unauthorized, s.Code().String()
	case codes.ResourceExhausted:
		if strings.Contains(s.Message(), "message larger than max") {
			return downstream.TooLarge, s.Code().String()
		}
		return downstream.Throttled, s.Code().String()
	case codes.Aborted:
		return classOfAborted(s), s.Code().String()
	case codes.InvalidArgument, codes.FailedPrecondition, codes.OutOfRange:
		return downstream.BadRecord, s.Code().String()
	case codes.DeadlineExceeded:
		return downstream.Unavailable, "timeout"
	case codes.Unimplemented: // that is not an OpenFGA
		return downstream.Refused, s.Code().String()
	}
	switch {
	case number < 1000:
		return downstream.Unavailable, s.Code().String()
	case number < 2000:
		return downstream.Unauthorized, nameOf(openfgav1.AuthErrorCode_name, number)
	case number < 3000:
		return classOfRequest(openfgav1.ErrorCode(number)), nameOf(openfgav1.ErrorCode_name, number)
	case number < 4000:
		return downstream.Throttled, nameOf(openfgav1.UnprocessableContentErrorCode_name, number)
	case number < 5000:
		return classOfInternal(s), nameOf(openfgav1.InternalErrorCode_name, number)
	}
	return downstream.PinChanged, nameOf(openfgav1.NotFoundErrorCode_name, number)
}

func classOfRequest(code openfgav1.ErrorCode) downstream.Class {
	switch code {
	case openfgav1.ErrorCode_exceeded_entity_limit:
		return downstream.TooLarge
	case openfgav1.ErrorCode_authorization_model_not_found, openfgav1.ErrorCode_latest_authorization_model_not_found:
		return downstream.PinChanged
	case openfgav1.ErrorCode_cancelled, openfgav1.ErrorCode_invalid_continuation_token:
		return downstream.Unavailable
	}
	return downstream.BadRecord
}

func classOfInternal(s *status.Status) downstream.Class {
	switch openfgav1.InternalErrorCode(s.Code()) {
	case openfgav1.InternalErrorCode_resource_exhausted:
		return downstream.Throttled
	case openfgav1.InternalErrorCode_already_exists:
		return downstream.Conflict
	case openfgav1.InternalErrorCode_aborted:
		return classOfAborted(s)
	}
	return downstream.Unavailable
}

// classOfAborted tells a tuple that is there with another condition, which only reading it again can help, from writers that came
// in each other's way.
func classOfAborted(s *status.Status) downstream.Class {
	if strings.Contains(s.Message(), "condition") {
		return downstream.Conflict
	}
	return downstream.Unavailable
}

func nameOf(names map[int32]string, number int32) string {
	if name, ok := names[number]; ok {
		return name
	}
	return strconv.Itoa(int(number))
}
