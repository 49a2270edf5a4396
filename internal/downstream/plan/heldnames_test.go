package plan

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/downstream"
)

func TestNameHeld(t *testing.T) {
	now := time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)
	owned := []downstream.Owned{
		{Kind: downstream.Groups, Key: "day", Name: "day", Hash: "1"},
		{Kind: downstream.Groups, Key: "night", Name: "night", Hash: "2"},
		{Kind: downstream.Users, Key: "email=ana@x.example", Name: "ana", Hash: "3"},
		{Kind: downstream.Users, Key: "email=ben@x.example", Name: "ben", Hash: "4"},
		{Kind: downstream.Users, Key: "email=cid@x.example", Name: "cid", Hash: "", Inactive: true},
	}
	id := func(kind downstream.Kind, key string) downstream.ID { return downstream.ID{Kind: kind, Key: key} }
	day, night := id(downstream.Groups, "day"), id(downstream.Groups, "night")
	ana, ben, cid := id(downstream.Users, "email=ana@x.example"), id(downstream.Users, "email=ben@x.example"), id(downstream.Users, "email=cid@x.example")
	for name, tc := range map[string]struct {
		active, inactive []downstream.ID
		removal          rollcallv1.Removal
		leaving          bool
		hashOf           []downstream.ID
		want             []string
		wantProved       bool
	}{
		"gone":                       {active: []downstream.ID{day, ana}, hashOf: []downstream.ID{ben, night}, want: []string{"ben", "night"}, wantProved: true},
		"conferring nothing":         {active: []downstream.ID{ana, ben, day}, inactive: []downstream.ID{night}, hashOf: []downstream.ID{night}, want: []string{"night"}, wantProved: true},
		"deleted though deactivated": {active: []downstream.ID{day, night, ana, ben}, removal: rollcallv1.RemovalDelete, hashOf: []downstream.ID{cid}, want: []string{"cid"}, wantProved: true},
		"everything":                 {active: []downstream.ID{day, ana}, leaving: true, hashOf: []downstream.ID{ana, ben, cid, day, night}, want: []string{"ana", "ben", "cid", "day", "night"}, wantProved: true},
		"another hash":               {active: []downstream.ID{day, ana}, hashOf: []downstream.ID{night}, want: []string{"ben", "night"}},
		"nothing":                    {active: []downstream.ID{day, night, ana, ben}},
	} {
		t.Run(name, func(t *testing.T) {
			inventory := OpenInventory("warehouse", nil)
			for _, o := range owned {
				inventory.Set(o)
			}
			in := Input{
				Policy:    PolicyOf(&rollcallv1.DownstreamSpec{Records: []rollcallv1.RecordKind{"Users", "Groups"}, Mode: "Full", Removal: tc.removal}),
				Situation: Situation{Now: now, Since: now}, Inventory: inventory, Items: map[downstream.ID]Item{},
				Present: func(string) bool { return false }, Cause: func(downstream.ID) downstream.Cause { return downstream.Inferred },
			}
			for i, id := range append(tc.active, tc.inactive...) {
				in.Items[id] = Item{Wanted: Wanted{Record: downstream.Record{Kind: id.Kind, Key: id.Key, Name: id.Key, Active: i < len(tc.active)}}}
			}
			in.Wanted = func(id downstream.ID) bool { _, yes := in.Items[id]; return yes }
			held, proved := NameHeld(in, tc.leaving, HeldHash(tc.hashOf))
			var names []string
			for _, h := range held {
				names = append(names, h.Name)
			}
			if diff := cmp.Diff(tc.want, names); diff != "" || proved != tc.wantProved {
				t.Errorf("proved %t, want %t; names -want +got:\n%s", proved, tc.wantProved, diff)
			}
		})
	}
}
