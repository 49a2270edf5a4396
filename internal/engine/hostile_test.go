package engine_test

import (
	"reflect"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/engine"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// fill sets every pointer below v and gives every list one item, all of them empty but for strings, which are text.
func fill(v reflect.Value, text string, depth int) {
	if v.Type() == reflect.TypeFor[metav1.Time]() || v.Type() == reflect.TypeFor[metav1.Duration]() || depth > 12 {
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), text, depth+1)
	case reflect.Struct:
		for _, field := range v.Fields() {
			fill(field, text, depth+1)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), text, depth+1)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
	}
}

// TestStoredNonsense: objects that no layer would admit are stored all the same (P-17, as far as the shape of objects goes):
// everything is computed, nothing panics, the second run writes nothing, and somebody who is in order stays so.
func TestStoredNonsense(t *testing.T) {
	tests := map[string]func(spec reflect.Value){
		"empty specs":                          func(reflect.Value) {},
		"every field there, all of them empty": func(spec reflect.Value) { fill(spec, "", 0) },
		"every field refers to the same name":  func(spec reflect.Value) { fill(spec, "x", 0) },
		"names of other notations":             func(spec reflect.Value) { fill(spec, "*.*/../\x00|handle=*/%s", 0) },
		"very long text":                       func(spec reflect.Value) { fill(spec, strings.Repeat("é", 20_000), 0) },
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			w := found(t, "ProfileRole sound {permissions: [care.reply]}\nProfile page\nTeammate good {profiles: [{name: page, profileRoleRef: {name: sound}}]}\nUserGroup sane {members: [{name: good}]}\nDepartment whole {groups: [{name: sane}]}")
			before := w.on("good", "page")
			for _, o := range []metav1.Object{
				&rollcallv1.Schedule{}, &rollcallv1.AccountRole{}, &rollcallv1.ProfileRole{}, &rollcallv1.Profile{}, &rollcallv1.Teammate{}, &rollcallv1.UserGroup{}, &rollcallv1.Department{},
			} {
				o.SetName("x")
				spoil(reflect.ValueOf(o).Elem().FieldByName("Spec"))
				w.put(o)
			}
			w.want("somebody in order", w.on("good", "page")+", "+w.phase("good"), before+", Active")
			for _, kind := range roster.Kinds {
				for _, name := range w.Roster.Names(nil, kind) {
					w.want(kind+"/"+name+" has conditions", len(w.Lint.Conditions(objectNamed(kind+"/"+name))) > 0, true)
				}
			}
			w.Lint.Findings()
			w.want("outputs", len(w.hashes()) >= 3, true)
			w.at("2027-03-08T12:00:00Z")
			w.change()
			w.want("next run", w.touched.Empty(), true)
			w.restart(w.ledger, true)
			w.want("after a restart", w.on("good", "page"), before)
		})
	}
	t.Run("an organization of nonsense", func(t *testing.T) {
		for _, text := range []string{"", "x"} {
			o := &rollcallv1.Organization{}
			o.Name = rollcallv1.OrganizationName
			fill(reflect.ValueOf(o).Elem().FieldByName("Spec"), text, 0)
			w := found(t, "Teammate good\nUserGroup sane {members: [{name: good}]}\nDepartment whole {groups: [{name: sane}]}")
			w.put(o)
			w.want("computed", w.rejected("sane"), "good/BaseTypeNotAllowed") // a list of base types that nobody has
			w.change()
			w.want("next run", w.touched.Empty(), true)
		}
	})
	t.Run("no object of a known kind", func(t *testing.T) {
		e := engine.New(monday)
		e.Remember(nil, false)
		e.Apply(monday, roster.Change{Object: &rollcallv1.RoutePlan{}}, roster.Change{Object: &rollcallv1.Teammate{}, Deleted: true})
	})
}
