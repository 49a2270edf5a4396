package controllers

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// Scheme knows the kinds that the operator reads and writes.
func Scheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("registering the kinds of Kubernetes: %w", err)
	}
	if err := rollcallv1.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("registering the kinds of Rollcall: %w", err)
	}
	return scheme, nil
}

// NewManager makes a manager with everything in it. settings are the parts that differ between processes: addresses,
// leader election, names; whatever the controllers rely on is set here.
func NewManager(ctx context.Context, config *rest.Config, settings ctrl.Options, o Options) (ctrl.Manager, error) {
	scheme, err := Scheme()
	if err != nil {
		return nil, err
	}
	config = rest.CopyConfig(config)
	config.QPS = -1 // the API server says itself when it has enough (priority and fairness)

	settings.Scheme = scheme
	// Objects of the cache are handed out without being copied: the engine keeps them, nobody changes them.
	settings.Cache.DefaultUnsafeDisableDeepCopy = new(true)
	settings.Cache.DefaultTransform = cache.TransformStripManagedFields()
	settings.Cache.ReaderFailOnMissingInformer = true
	// A reconcile that follows a write must see it, or it would write again.
	settings.Client.Cache = &client.CacheOptions{EnableReadYourWritesConsistency: new(true)}
	// A replica that waits for the lease has its queues filled when it gets it.
	settings.Controller.EnableWarmup = new(true)
	settings.Controller.ReconciliationTimeout = 2 * time.Minute
	settings.GracefulShutdownTimeout = new(25 * time.Second)

	mgr, err := ctrl.NewManager(config, settings)
	if err != nil {
		return nil, fmt.Errorf("making the manager: %w", err)
	}
	ready, err := Add(ctx, mgr, o)
	if err != nil {
		return nil, err
	}
	if o.Ready != nil {
		*o.Ready = func() error { return ready(nil) }
	}
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return nil, fmt.Errorf("adding the health check: %w", err)
	}
	if err := mgr.AddReadyzCheck("computed", ready); err != nil {
		return nil, fmt.Errorf("adding the readiness check: %w", err)
	}
	return mgr, nil
}
