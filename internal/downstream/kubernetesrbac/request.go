package kubernetesrbac

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/rollcall-dev/rollcall/internal/downstream"
)

// do makes one request, once: it waits for its turn and has an end in time. into may be nil.
func (d *Driver) do(ctx context.Context, r *rest.Request, into runtime.Object) error {
	if d.pacer != nil {
		if err := d.pacer.Wait(ctx); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	defer context.AfterFunc(d.closed, cancel)()
	result := r.MaxRetries(0).Do(ctx)
	if into == nil {
		return classified(result.Error())
	}
	return classified(result.Into(into))
}

// classified returns the class of an error; its text is never that of the server.
func classified(err error) error {
	if err == nil {
		return nil
	}
	status, answered := errors.AsType[*apierrors.StatusError](err)
	switch {
	case answered && apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		return downstream.NewError(downstream.Unavailable, "the namespace is terminating", err)
	case errors.Is(err, context.DeadlineExceeded):
		return downstream.NewError(downstream.Unavailable, "timeout", err)
	case !answered:
		return downstream.NewError(downstream.Unavailable, "", err)
	}
	s := status.ErrStatus
	if s.Code == http.StatusGone { // a listing took longer than the server remembers
		return downstream.NewError(downstream.Unavailable, strconv.Itoa(int(s.Code)), err)
	}
	wait := func(name string) string {
		if name == "Retry-After" && s.Details != nil && s.Details.RetryAfterSeconds > 0 {
			return strconv.Itoa(int(s.Details.RetryAfterSeconds))
		}
		return ""
	}
	classed := downstream.FromStatus(int(s.Code), wait, time.Time{})
	if e, ok := errors.AsType[*downstream.Error](classed); ok {
		e.Cause = err
		return e
	}
	return downstream.NewError(downstream.Unavailable, strconv.Itoa(int(s.Code)), err)
}

// answered reports whether an error is that status.
func answered(err error, status int) bool {
	e, ok := errors.AsType[*downstream.Error](err)
	return ok && e.Code == strconv.Itoa(status)
}

func (d *Driver) bindings(r *rest.Request) *rest.Request {
	return r.Namespace(d.namespace).Resource("rolebindings")
}

// list lists RoleBindings page by page. It is complete if all pages are of one moment: the API server gives no token for a
// further page once there is nothing left.
func (d *Driver) list(ctx context.Context, selector string) (items []rbacv1.RoleBinding, complete bool, err error) {
	options := metav1.ListOptions{Limit: d.pageSize, LabelSelector: selector}
	version := ""
	complete = true
	for {
		var page rbacv1.RoleBindingList
		if err := d.do(ctx, d.bindings(d.rbac.Get()).VersionedParams(&options, scheme.ParameterCodec), &page); err != nil {
			return nil, false, err
		}
		items = append(items, page.Items...)
		if version == "" {
			version = page.ResourceVersion
		}
		complete = complete && page.ResourceVersion == version
		if options.Continue = page.Continue; options.Continue == "" {
			return items, complete, nil
		}
	}
}

// get returns a RoleBinding, nil if there is none of that name.
func (d *Driver) get(ctx context.Context, name string) (*rbacv1.RoleBinding, error) {
	out := &rbacv1.RoleBinding{}
	err := d.do(ctx, d.bindings(d.rbac.Get()).Name(name), out)
	switch {
	case answered(err, http.StatusNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return out, nil
}

// remove deletes exactly the RoleBinding that was read; one that is gone is fine.
func (d *Driver) remove(ctx context.Context, rb *rbacv1.RoleBinding) error {
	body := &metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &rb.UID, ResourceVersion: &rb.ResourceVersion}}
	err := d.do(ctx, d.bindings(d.rbac.Delete()).Name(rb.Name).Body(body), nil)
	if answered(err, http.StatusNotFound) {
		return nil
	}
	return err
}

// may asks whether the operator itself may do something in the namespace.
func (d *Driver) may(ctx context.Context, verb, resource, name string) (bool, error) {
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: d.namespace, Verb: verb, Group: rbacv1.GroupName, Resource: resource, Name: name,
		},
	}}
	err := d.do(ctx, d.authorization.Post().Resource("selfsubjectaccessreviews").Body(review), review)
	return err == nil && review.Status.Allowed, err
}

// self returns the username of the operator.
func (d *Driver) self(ctx context.Context) (string, error) {
	review := &authenticationv1.SelfSubjectReview{}
	err := d.do(ctx, d.authentication.Post().Resource("selfsubjectreviews").Body(review), review)
	return review.Status.UserInfo.Username, err
}
