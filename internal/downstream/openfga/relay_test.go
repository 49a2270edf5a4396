package openfga

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	openfgav1 "github.com/openfga/api/proto/openfga/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// relay is a proxy in front of the server, as companies have them: it passes requests on, and can ask to be left alone.
type relay struct {
	openfgav1.UnimplementedOpenFGAServiceServer
	address string
	server  *grpc.Server
	wait    atomic.Int64 // what the next request is told; 0: it is passed on
}

func newRelay() (*relay, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	r := &relay{address: l.Addr().String()}
	r.server = grpc.NewServer(grpc.UnaryInterceptor(r.intercept))
	openfgav1.RegisterOpenFGAServiceServer(r.server, r)
	go func() { _ = r.server.Serve(l) }()
	return r, nil
}

func (r *relay) intercept(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	if wait := r.wait.Swap(0); wait > 0 {
		s, err := status.New(codes.ResourceExhausted, "too many requests").WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(time.Duration(wait))})
		if err != nil {
			return nil, err
		}
		return nil, s.Err()
	}
	// It passes requests on with a key of its own, and so looks for that of who asks.
	if len(metadata.ValueFromIncomingContext(ctx, "authorization")) != 1 {
		return nil, status.Error(codes.Unauthenticated, "no key")
	}
	return handler(ctx, req)
}

func (r *relay) GetStore(ctx context.Context, req *openfgav1.GetStoreRequest) (*openfgav1.GetStoreResponse, error) {
	return admin.GetStore(ctx, req)
}

func (r *relay) ReadAuthorizationModels(ctx context.Context, req *openfgav1.ReadAuthorizationModelsRequest) (*openfgav1.ReadAuthorizationModelsResponse, error) {
	return admin.ReadAuthorizationModels(ctx, req)
}

func (r *relay) Read(ctx context.Context, req *openfgav1.ReadRequest) (*openfgav1.ReadResponse, error) {
	return admin.Read(ctx, req)
}

func (r *relay) Write(ctx context.Context, req *openfgav1.WriteRequest) (*openfgav1.WriteResponse, error) {
	return admin.Write(ctx, req)
}
