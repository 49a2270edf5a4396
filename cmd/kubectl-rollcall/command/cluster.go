package command

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// fieldManager owns what the plugin writes (API.md section 7).
const fieldManager = "rollcall-edit"

// live is a cluster and the namespace of the organization in it.
type live struct {
	client.Client
	namespace string
	config    *rest.Config
}

// connect opens the cluster that the flags and the environment name. It asks nothing of it yet.
func (p *plugin) connect() (*live, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = p.options.kubeconfig
	config := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: p.options.context})
	access, err := config.ClientConfig()
	if err != nil {
		return nil, &failure{exitUnreachable, fmt.Errorf("reading the kubeconfig: %w; expected a cluster, or files with -f or -k", err)}
	}
	access.QPS, access.Burst = 50, 100
	namespace := p.options.namespace
	if namespace == "" {
		if namespace, _, err = config.Namespace(); err != nil {
			return nil, &failure{exitUnreachable, fmt.Errorf("reading the kubeconfig: %w", err)}
		}
	}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{rollcallv1.AddToScheme, authenticationv1.AddToScheme, corev1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("building the scheme: %w", err)
		}
	}
	c, err := client.New(access, client.Options{Scheme: scheme, Mapper: mapper()})
	if err != nil {
		return nil, clusterError(err)
	}
	return &live{c, namespace, access}, nil
}

// mapper knows the kinds that commands ask for without asking the cluster: one round trip less per command.
func mapper() meta.RESTMapper {
	m := meta.NewDefaultRESTMapper(nil)
	for _, kind := range []string{"Organization", "Schedule", "AccountRole", "ProfileRole", "Profile", "Teammate", "UserGroup", "Department", "Queue", "Campaign", "Downstream", "Mention", "InboundAutomation", "EffectiveAccess", "RoutePlan", "Ledger"} {
		m.Add(rollcallv1.GroupVersion.WithKind(kind), meta.RESTScopeNamespace)
	}
	m.Add(corev1.SchemeGroupVersion.WithKind("Secret"), meta.RESTScopeNamespace)
	m.Add(authenticationv1.SchemeGroupVersion.WithKind("SelfSubjectReview"), meta.RESTScopeRoot)
	return m
}

// clusterError says whether the cluster could not be asked, or refused: a denial is a no, from a cluster that was reached.
func clusterError(err error) error {
	_, network := errors.AsType[*url.Error](err)
	_, lookup := errors.AsType[net.Error](err)
	switch {
	case apierrors.IsForbidden(err):
		return &failure{exitNo, fmt.Errorf("denied: %w", err)}
	case apierrors.IsNotFound(err):
		return &failure{exitUnreachable, fmt.Errorf("%w; expected a cluster with the CRDs of rollcall.dev", err)}
	case network || lookup:
		return &failure{exitUnreachable, fmt.Errorf("%w; expected a reachable cluster, or files with -f or -k", err)}
	}
	return &failure{exitUnreachable, err}
}

// lists are the input kinds as a cluster lists them.
func lists() []client.ObjectList {
	return []client.ObjectList{
		&rollcallv1.OrganizationList{}, &rollcallv1.ScheduleList{}, &rollcallv1.AccountRoleList{}, &rollcallv1.ProfileRoleList{},
		&rollcallv1.ProfileList{}, &rollcallv1.TeammateList{}, &rollcallv1.UserGroupList{}, &rollcallv1.DepartmentList{},
		&rollcallv1.QueueList{}, &rollcallv1.CampaignList{}, &rollcallv1.MentionList{}, &rollcallv1.InboundAutomationList{}, &rollcallv1.DownstreamList{},
	}
}

// objects lists every input object of the namespace.
func (l *live) objects(ctx context.Context) ([]metav1.Object, error) {
	var out []metav1.Object
	for _, list := range lists() {
		if err := l.List(ctx, list, client.InNamespace(l.namespace)); err != nil {
			return nil, clusterError(err)
		}
		items, err := meta.ExtractList(list)
		if err != nil {
			return nil, clusterError(err)
		}
		for _, item := range items {
			out = append(out, item.(metav1.Object))
		}
	}
	return out, nil
}

// ledgers lists the state.
func (l *live) ledgers(ctx context.Context) ([]*rollcallv1.Ledger, error) {
	var list rollcallv1.LedgerList
	if err := l.List(ctx, &list, client.InNamespace(l.namespace)); err != nil {
		return nil, err
	}
	out := make([]*rollcallv1.Ledger, len(list.Items))
	for i := range list.Items {
		out[i] = &list.Items[i]
	}
	slices.SortFunc(out, func(a, b *rollcallv1.Ledger) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// fromCluster reads the organization of a namespace with its state.
func (p *plugin) fromCluster(ctx context.Context) (*inputs, error) {
	l, err := p.connect()
	if err != nil {
		return nil, err
	}
	in := &inputs{namespace: l.namespace}
	if in.objects, err = l.objects(ctx); err != nil {
		return nil, err
	}
	in.ledgers, err = l.ledgers(ctx)
	switch {
	case apierrors.IsForbidden(err):
		// Owners and administrators read the Ledger; everybody else gets the answer that files would give.
		p.note("note: you may not read the Ledger")
		in.assume = true
		return in, nil
	case err != nil:
		return nil, clusterError(err)
	}
	for _, list := range []client.ObjectList{&rollcallv1.EffectiveAccessList{}, &rollcallv1.RoutePlanList{}} {
		if len(in.ledgers) > 0 || in.outputs {
			break
		}
		if err := l.List(ctx, list, client.InNamespace(l.namespace), client.Limit(1)); err != nil {
			return nil, clusterError(err)
		}
		in.outputs = meta.LenList(list) > 0
	}
	return in, nil
}
