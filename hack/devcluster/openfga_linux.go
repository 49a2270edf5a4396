package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	openfgav1 "github.com/openfga/api/proto/openfga/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/types/known/structpb"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/roster"
	openfgaserver "github.com/rollcall-dev/rollcall/test/servers/openfga"
	"github.com/rollcall-dev/rollcall/test/servers/process"
)

// store is the name of the store, which the operator makes.
const store = "rollcall-dev"

// startOpenFGA starts a server.
func startOpenFGA(_ context.Context, _ options) (*system, error) {
	server, err := openfgaserver.Start()
	if err != nil {
		return nil, err
	}
	return &system{
		name: "openfga", about: "OpenFGA on " + server.Address(),
		spec: map[string]any{
			"driver": "OpenFGA", "openFGA": map[string]any{"url": server.URL(), "storeID": store}, "mode": "Full", "records": []string{"Groups", "Access"},
		},
		data:        map[string]string{"token": openfgaserver.Token, "ca.crt": string(server.CA)},
		annotations: map[string]string{rollcallv1.AnnotationHost: server.Address()},
		show:        func(ctx context.Context, c *cluster, s subjects) error { return showChecks(ctx, c, server, s) },
		tries:       [][2]string{{"kubectl get downstream openfga -o yaml", "what is owned there, and how it goes"}},
		stop:        server.Stop,
	}, nil
}

// bearer is a preshared key. It goes over TLS only.
type bearer string

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(b)}, nil
}

func (bearer) RequireTransportSecurity() bool { return true }

// showChecks asks OpenFGA who may do something, and Rollcall the same.
func showChecks(ctx context.Context, c *cluster, server *openfgaserver.Server, s subjects) (err error) {
	if s.teammate == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(server.CA)
	conn, err := grpc.NewClient(server.Address(), grpc.WithPerRPCCredentials(bearer(openfgaserver.Token)), grpc.WithNoProxy(),
		grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12})))
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	fga := openfgav1.NewOpenFGAServiceClient(conn)
	id, err := storeID(ctx, fga)
	if err != nil {
		return err
	}
	people, err := c.people(ctx)
	if err != nil {
		return err
	}
	question, err := structpb.NewStruct(map[string]any{"permission": s.permission, "current_time": time.Now().UTC().Format(time.RFC3339)})
	if err != nil {
		return fmt.Errorf("making a question: %w", err)
	}
	for _, name := range compared(people, s.teammate) {
		answer, err := fga.Check(ctx, &openfgav1.CheckRequest{
			StoreId: id, Context: question,
			TupleKey: &openfgav1.CheckRequestTupleKey{User: "teammate:" + people[name], Relation: "can", Object: "profile:" + s.profile},
		})
		if err != nil {
			return fmt.Errorf("checking: %w", err)
		}
		own, err := c.may(ctx, name, s)
		if err != nil {
			return err
		}
		fmt.Printf("OpenFGA  Check user=teammate:%s relation=can object=profile:%s context={permission: %s}\n", people[name], s.profile, s.permission)
		fmt.Printf("         allowed=%t\n", answer.GetAllowed())
		fmt.Printf("Rollcall check %s %s %s\n         allowed=%t\n\n", name, s.permission, s.profile, own)
		if answer.GetAllowed() != own {
			return fmt.Errorf("the answers about %s differ", name)
		}
	}
	return nil
}

// compared are somebody with the permission, and the first one by name beside them, who may well be without.
func compared(people map[string]string, name string) []string {
	var out []string
	for other := range people {
		if other != name {
			out = append(out, other)
		}
	}
	slices.Sort(out)
	return append([]string{name}, out[:min(1, len(out))]...)
}

func storeID(ctx context.Context, fga openfgav1.OpenFGAServiceClient) (string, error) {
	list, err := fga.ListStores(ctx, &openfgav1.ListStoresRequest{})
	if err != nil {
		return "", fmt.Errorf("listing stores: %w", err)
	}
	for _, s := range list.GetStores() {
		if s.GetName() == store {
			return s.GetId(), nil
		}
	}
	return "", fmt.Errorf("no store named %s", store)
}

// people are the ids of people over there, by the name of the Teammate.
func (c *cluster) people(ctx context.Context) (map[string]string, error) {
	text, err := c.kubectl(ctx, "get", "teammates", "-n", c.namespace, "-o", "json")
	if err != nil {
		return nil, err
	}
	var list unstructured.UnstructuredList
	if err := list.UnmarshalJSON([]byte(text)); err != nil {
		return nil, fmt.Errorf("reading the teammates: %w", err)
	}
	out := map[string]string{}
	for _, item := range list.Items {
		var tm rollcallv1.Teammate
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(item.Object, &tm); err != nil {
			return nil, fmt.Errorf("reading Teammate %s: %w", item.GetName(), err)
		}
		// A key with characters that an id there cannot have is written another way: whoever has one is not asked about.
		if key := roster.IdentityKey(tm.Spec.Identity); key != "" && !strings.ContainsFunc(key, strange) {
			out[tm.Name] = key
		}
	}
	return out, nil
}

func strange(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.@=+,", r)
}

// may is the answer of Rollcall.
func (c *cluster) may(ctx context.Context, name string, s subjects) (bool, error) {
	command := exec.CommandContext(ctx, filepath.Join(c.bin, "kubectl-rollcall"), "check", name, s.permission, s.profile)
	command.Env = append(command.Environ(), "KUBECONFIG="+c.plane.kubeconfig("admin"))
	err := process.Run(command)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == 1 {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("kubectl-rollcall check: %w", err)
	}
	return true, nil
}
