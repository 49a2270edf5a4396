package rollimport

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// Known is what there is before an import: people, and what new ones refer to.
type Known struct {
	// organization: the object is there, so what is not known is not there.
	organization bool
	policies     *rollcallv1.Policies
	teammates    []*rollcallv1.Teammate
	names        map[string]bool
	keys         map[string]string // unique keys and their holders, of the main keys the names of teammates
	groups       map[string]bool
	groupTitles  map[string]string // display names in small letters, and the names of the objects
	roles        map[string]bool
	roleTitles   map[string]string
	skills       map[string]bool
}

// NewKnown takes in the objects of one namespace. Nobody need be there: without an Organization no policy applies, and whatever
// rows refer to is taken to exist somewhere else.
func NewKnown(objects []metav1.Object) *Known {
	k := &Known{
		names: map[string]bool{}, keys: map[string]string{}, skills: map[string]bool{},
		groups: map[string]bool{}, groupTitles: map[string]string{}, roles: map[string]bool{}, roleTitles: map[string]string{},
	}
	for _, name := range roster.BuiltinAccountRoles {
		k.roles[name] = true
	}
	objects = slices.Clone(objects)
	slices.SortStableFunc(objects, func(a, b metav1.Object) int { return strings.Compare(a.GetName(), b.GetName()) })
	for _, o := range objects {
		switch x := o.(type) {
		case *rollcallv1.Organization:
			if x.Name == rollcallv1.OrganizationName {
				k.organization = true
				k.policies = roster.ResolvePolicies(x.Spec.Preset, x.Spec.Policies)
				for _, s := range x.Spec.Skills {
					k.skills[s.Name] = true
				}
			}
		case *rollcallv1.Teammate:
			k.teammates = append(k.teammates, x)
			k.names[x.Name] = true
			for _, key := range keysOf(x) {
				k.hold(key, x.Name)
			}
		case *rollcallv1.UserGroup:
			k.groups[x.Name] = true
			title(k.groupTitles, x.Spec.DisplayName, x.Name)
			if x.Spec.Voice != nil && x.Spec.Voice.Extension != nil {
				k.hold("extension="+*x.Spec.Voice.Extension, roster.KindUserGroup+"/"+x.Name)
			}
		case *rollcallv1.AccountRole:
			k.roles[x.Name] = true
			title(k.roleTitles, x.Spec.DisplayName, x.Name)
		}
	}
	return k
}

// hold notes who has a key; of several the first by name.
func (k *Known) hold(key, holder string) {
	if _, held := k.keys[key]; !held {
		k.keys[key] = holder
	}
}

// title notes a display name. One that several objects have names none of them.
func title(titles map[string]string, display *string, name string) {
	if display == nil {
		return
	}
	key := strings.ToLower(*display)
	if _, twice := titles[key]; twice {
		name = ""
	}
	titles[key] = name
}

// role finds an account role by name or display name.
func (k *Known) role(text string) (string, error) {
	for _, name := range []string{text, k.roleTitles[strings.ToLower(text)], Slug(text)} {
		if name != "" && k.roles[name] {
			return name, nil
		}
	}
	if name := Slug(text); name != "" && !k.organization {
		return name, nil
	}
	return "", fmt.Errorf("account role %q is unknown; expected one of the organization or a built-in one", text)
}

// group finds a group by name or display name. One that is not there yet is named as its title would be.
func (k *Known) group(text string) (string, error) {
	if k.groups[text] {
		return text, nil
	}
	if name := k.groupTitles[strings.ToLower(text)]; name != "" {
		return name, nil
	}
	if name := Slug(text); name != "" {
		return name, nil
	}
	return "", fmt.Errorf("group %q cannot be the name of a group; expected letters or digits", text)
}
