// Command barecache holds in a plain controller-runtime cache what the operator holds in its own, and nothing besides: the
// floor of its memory. It prints `synced` when everything is there and stays until it is told to go.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

func main() {
	flag.Parse() // --kubeconfig is a flag of controller-runtime
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "barecache:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("finding the cluster: %w", err)
	}
	config.QPS = -1
	scheme := runtime.NewScheme()
	if err := rollcallv1.AddToScheme(scheme); err != nil {
		return fmt.Errorf("registering the kinds: %w", err)
	}
	held, err := cache.New(config, cache.Options{Scheme: scheme, DefaultTransform: cache.TransformStripManagedFields()})
	if err != nil {
		return fmt.Errorf("making the cache: %w", err)
	}
	for _, o := range []client.Object{
		&rollcallv1.Organization{}, &rollcallv1.Schedule{}, &rollcallv1.AccountRole{}, &rollcallv1.ProfileRole{}, &rollcallv1.Profile{},
		&rollcallv1.Teammate{}, &rollcallv1.UserGroup{}, &rollcallv1.Department{},
		&rollcallv1.EffectiveAccess{}, &rollcallv1.RoutePlan{}, &rollcallv1.Ledger{},
	} {
		if _, err := held.GetInformer(ctx, o, cache.BlockUntilSynced(false)); err != nil {
			return fmt.Errorf("watching %T: %w", o, err)
		}
	}
	failed := make(chan error, 1)
	go func() { failed <- held.Start(ctx) }()
	if held.WaitForCacheSync(ctx) {
		fmt.Println("synced")
	}
	return <-failed
}
