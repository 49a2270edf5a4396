package command

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// people are the teammates of a namespace by name. Commands that write mentions read nothing else of an organization to know
// who is meant: agents, who write them, may not read it all.
type people map[string]*rollcallv1.Teammate

// people lists the teammates of the cluster.
func (l *live) people(ctx context.Context) (people, error) {
	var list rollcallv1.TeammateList
	if err := l.List(ctx, &list, client.InNamespace(l.namespace)); err != nil {
		return nil, clusterError(err)
	}
	out := people{}
	for i := range list.Items {
		out[list.Items[i].Name] = &list.Items[i]
	}
	return out, nil
}

// people are the teammates of an organization.
func (o *organization) people() people {
	out := people{}
	for _, name := range o.Roster.Names(nil, roster.KindTeammate) {
		out[name] = o.Roster.Teammate(nil, name)
	}
	return out
}

// named resolves a TEAMMATE: object name, e-mail, employee ID or extension, in that order.
func (p people) named(namespace, text string) (string, error) {
	if p[text] != nil {
		return text, nil
	}
	equal := func(s *string, fold bool) bool {
		return s != nil && (*s == text || fold && strings.EqualFold(*s, text))
	}
	for _, matches := range []func(*rollcallv1.Teammate) bool{
		func(t *rollcallv1.Teammate) bool { return equal(t.Spec.Identity.Email, true) },
		func(t *rollcallv1.Teammate) bool { return equal(t.Spec.Identity.EmployeeID, false) },
		func(t *rollcallv1.Teammate) bool { return equal(t.Spec.Extension, false) },
	} {
		switch found := p.where(matches); len(found) {
		case 0:
		case 1:
			return found[0], nil
		default:
			return "", inputError("teammate %q is ambiguous: %s; expected an object name", text, strings.Join(found, ", "))
		}
	}
	return "", inputError("teammate %q is unknown in namespace %s; expected an object name, e-mail, employee ID or extension", text, namespace)
}

// selected are the people whose labels match.
func (p people) selected(namespace, selector string) ([]string, error) {
	s, err := labels.Parse(selector)
	if err != nil {
		return nil, usageError("--selector %q: %s; expected labels such as language=fr", selector, err)
	}
	found := p.where(func(t *rollcallv1.Teammate) bool { return s.Matches(labels.Set(t.Labels)) })
	if len(found) == 0 {
		return nil, inputError("no teammate in namespace %s has labels %s; expected some", namespace, selector)
	}
	return found, nil
}

// where returns the names of those who match, sorted.
func (p people) where(matches func(*rollcallv1.Teammate) bool) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(p)) {
		if matches(p[name]) {
			out = append(out, name)
		}
	}
	return out
}

// ofUser returns the teammate with a user name, "" if there is none. Of several who claim it, the operator says who holds it
// (condition KeysUnique).
func (p people) ofUser(username string) (string, error) {
	found := p.where(func(t *rollcallv1.Teammate) bool { return valueOf(t.Spec.Identity.Username) == username })
	if len(found) > 1 {
		holders := slices.DeleteFunc(slices.Clone(found), func(name string) bool {
			return meta.IsStatusConditionFalse(p[name].Status.Conditions, rollcallv1.ConditionKeysUnique)
		})
		if len(holders) != 1 {
			return "", inputError("user name %q is claimed by %s; expected spec.identity.username on one of them only", username, strings.Join(found, ", "))
		}
		found = holders
	}
	if len(found) == 0 {
		return "", nil
	}
	return found[0], nil
}

// username is who the cluster takes the caller for.
func (l *live) username(ctx context.Context) (string, error) {
	var review authenticationv1.SelfSubjectReview
	if err := l.Create(ctx, &review); err != nil {
		return "", clusterError(fmt.Errorf("asking the cluster who you are: %w", err))
	}
	return review.Status.UserInfo.Username, nil
}

// nobodyIs says that a user is no teammate, and how that changes.
func nobodyIs(username, namespace, consequence string) error {
	return inputError("you are user %q, which no teammate of namespace %s has as spec.identity.username, so %s; expected it on your Teammate: kubectl patch teammate YOU -n %s --type merge -p '{\"spec\":{\"identity\":{\"username\":%q}}}'",
		username, namespace, consequence, namespace, username)
}
