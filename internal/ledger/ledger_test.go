package ledger_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/ledger"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

var at = time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)

// store is what the API server would hold.
type store map[string]*rollcallv1.Ledger

func (s store) write(shards []ledger.Shard) {
	for _, shard := range shards {
		if shard.Object == nil {
			delete(s, shard.Name)
			continue
		}
		raw, err := json.Marshal(shard.Object)
		if err != nil {
			panic(err)
		}
		back := &rollcallv1.Ledger{}
		if err := json.Unmarshal(raw, back); err != nil {
			panic(err)
		}
		s[shard.Name] = back
	}
}

func (s store) open() (*ledger.Book, roster.Memory) {
	return ledger.Open(slices.Collect(maps.Values(s)))
}

func none() roster.Memory {
	return roster.Memory{Claims: map[string]roster.Claimant{}, People: map[string]roster.Person{}, Stamps: map[string]*roster.Stamp{}}
}

// all marks everything in two memories as fresh.
func all(memories ...roster.Memory) roster.Fresh {
	f := roster.Fresh{Claims: map[string]struct{}{}, People: map[string]struct{}{}, Stamps: map[string]struct{}{}}
	for _, m := range memories {
		for k := range m.Claims {
			f.Claims[k] = struct{}{}
		}
		for k := range m.People {
			f.People[k] = struct{}{}
		}
		for k := range m.Stamps {
			f.Stamps[k] = struct{}{}
		}
	}
	return f
}

var same = cmp.Options{cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(roster.Person{})}

func drawMemory(t *rapid.T, label string) roster.Memory {
	m := none()
	name := rapid.SampledFrom([]string{"ana", "ben", "cid", "dan-" + strings.Repeat("x", 58)})
	instant := rapid.SampledFrom([]*time.Time{nil, new(at), new(at.Add(time.Hour))})
	for range rapid.IntRange(0, 5).Draw(t, label+" claims") {
		key := rapid.SampledFrom([]string{"email=", "extension=", "handle=north/"}).Draw(t, "key") + name.Draw(t, "value")
		m.Claims[key] = roster.Claimant{Kind: rapid.SampledFrom([]string{"Teammate", "UserGroup"}).Draw(t, "kind"), Name: name.Draw(t, "holder")}
	}
	for range rapid.IntRange(0, 5).Draw(t, label+" people") {
		p := roster.Person{
			Key: "email=" + name.Draw(t, "key"), Name: name.Draw(t, "name"), ConfirmedAt: instant.Draw(t, "confirmed"), ArchivedAt: instant.Draw(t, "archived"),
			Home: rapid.SampledFrom([]string{"", "g1"}).Draw(t, "home"), Cover: rapid.SampledFrom([]string{"", "g2"}).Draw(t, "cover"),
			Campaign: rapid.SampledFrom([]string{"", "spring"}).Draw(t, "campaign"),
		}
		if rapid.Bool().Draw(t, "card") {
			p.ApprovedCard = &roster.Card{FirstName: "Ana", Bio: rapid.SampledFrom([]string{"", "Skis", "<&>"}).Draw(t, "bio"), HomeTown: "Lyon", StateOrCountry: "QC"}
			if rapid.Bool().Draw(t, "image") {
				p.ApprovedCard.Image = &rollcallv1.CardImage{URL: "https://x.example/a", Width: new(int32(160))}
			}
		}
		m.People[p.ID()] = p
	}
	for range rapid.IntRange(0, 3).Draw(t, label+" stamps") {
		s := &roster.Stamp{ProfileRole: "care", Token: rapid.SampledFrom([]string{"", "2"}).Draw(t, "token")}
		if rapid.Bool().Draw(t, "applied") {
			s.AppliedAt = at
			s.Members = slices.Sorted(slices.Values(rapid.SliceOfNDistinct(name, 0, 4, rapid.ID).Draw(t, "members")))
			s.Profiles = []string{"p1", "p2"}
		}
		m.Stamps[rapid.SampledFrom([]string{"g1", "g2", "g3"}).Draw(t, "group")] = s
	}
	return m
}

// TestRoundTrip: what is written is what is read, through any sequence of changes and of restarts in between, and an update
// without news writes nothing but the shard that always exists.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		stored, before := store{}, none()
		book, _ := stored.open()
		for range rapid.IntRange(1, 4).Draw(t, "changes") {
			after := drawMemory(t, "after")
			stored.write(book.Update(after, all(before, after)))
			if shards := book.Update(after, all()); len(shards) > 0 {
				t.Fatalf("no news, and %d shards are written", len(shards))
			}
			again, read := stored.open()
			if diff := cmp.Diff(after, read, same); diff != "" {
				t.Fatalf("what is read differs (-written +read):\n%s", diff)
			}
			if !book.Exists() || !again.Exists() {
				t.Fatal("there is no Ledger")
			}
			if rapid.Bool().Draw(t, "restart") {
				book = again
			}
			before = after
		}
	})
}

func crowd(n int) roster.Memory {
	m := none()
	for i := range n {
		p := roster.Person{Key: fmt.Sprintf("email=person%05d@fjordline.example", i), Name: fmt.Sprintf("person%05d", i), ConfirmedAt: new(at)}
		m.People[p.ID()] = p
		m.Claims[p.Key] = roster.Claimant{Kind: roster.KindTeammate, Name: p.Name}
	}
	return m
}

// TestShards: 20,000 people and keys are spread over objects below 200 KiB, and one edit rewrites one of them.
func TestShards(t *testing.T) {
	const people, limit = 20_000, 200 * 1024
	m := crowd(people)
	stored := store{}
	book, _ := stored.open()
	stored.write(book.Update(m, all(m)))
	for name, o := range stored {
		raw, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		if len(raw) >= limit {
			t.Errorf("%s has %d bytes", name, len(raw))
		}
	}
	if len(stored) < 10 || len(stored) > 60 {
		t.Errorf("%d shards", len(stored))
	}
	one := func(p roster.Person) roster.Fresh {
		return roster.Fresh{People: map[string]struct{}{p.ID(): {}}}
	}
	edited := slices.MinFunc(slices.Collect(maps.Values(m.People)), func(a, b roster.Person) int { return strings.Compare(a.Name, b.Name) })
	written := map[string][]string{}
	note := func(what string, shards []ledger.Shard) {
		for _, s := range shards {
			written[what] = append(written[what], s.Name)
		}
		stored.write(shards)
	}

	edited.Home = "g1"
	m.People[edited.ID()] = edited
	note("edit", book.Update(m, one(edited)))
	added := roster.Person{Key: "email=new@fjordline.example", Name: "new", ConfirmedAt: new(at)}
	m.People[added.ID()] = added
	note("addition", book.Update(m, one(added)))
	delete(m.People, edited.ID())
	note("removal", book.Update(m, one(edited)))
	again, _ := stored.open()
	added.ArchivedAt = new(at)
	m.People[added.ID()] = added
	note("edit after a restart", again.Update(m, one(added)))
	for _, what := range []string{"edit", "addition", "removal", "edit after a restart"} {
		if len(written[what]) != 1 {
			t.Errorf("one %s writes %v", what, written[what])
		}
	}
	if _, read := stored.open(); !reflect.DeepEqual(m, read) { // a difference of 20,000 entries takes seconds to compute
		t.Error("what is read is not what was written")
	}
}

// TestLargeStamp: the pairs of one stamp are cut over as many shards as they need, and put together again.
func TestLargeStamp(t *testing.T) {
	stamp := func(n int) *roster.Stamp {
		s := &roster.Stamp{ProfileRole: "care", Token: "1", AppliedAt: at, Profiles: []string{"p1", "p2"}}
		for i := range n {
			s.Members = append(s.Members, fmt.Sprintf("person%05d-with-quite-a-long-name", i))
		}
		return s
	}
	stored := store{}
	book, _ := stored.open()
	for _, n := range []int{20_000, 3_000, 9_000, 0} {
		m := none()
		m.Stamps["team"] = stamp(n)
		stored.write(book.Update(m, all(m)))
		parts := 0
		for name, o := range stored {
			if o.Record != rollcallv1.LedgerRecordStamp {
				continue
			}
			parts++
			if raw, _ := json.Marshal(o); len(raw) >= 200*1024 {
				t.Errorf("%s has %d bytes", name, len(raw))
			}
		}
		if (n == 20_000) != (parts > 3) {
			t.Errorf("%d members in %d shards", n, parts)
		}
		_, read := stored.open()
		if diff := cmp.Diff(m, read, same); diff != "" {
			t.Fatalf("%d members (-written +read):\n%s", n, diff)
		}
	}
	m := none()
	stored.write(book.Update(m, roster.Fresh{Stamps: map[string]struct{}{"team": {}}}))
	if names := slices.Sorted(maps.Keys(stored)); !slices.Equal(names, []string{"keys-0"}) {
		t.Errorf("without the stamp there is %v", names)
	}
}

// TestFirstShard: a namespace whose organization was computed has a Ledger object even if there is nothing to remember:
// outputs without any mean that it was lost.
func TestFirstShard(t *testing.T) {
	stored := store{}
	book, _ := stored.open()
	if book.Exists() {
		t.Error("a Ledger out of nothing")
	}
	stored.write(book.Update(none(), all()))
	if names := slices.Sorted(maps.Keys(stored)); !slices.Equal(names, []string{"keys-0"}) || !book.Exists() {
		t.Errorf("there is %v", names)
	}
}

// TestLose: a deleted shard says what was in it, and is written anew as far as something is known again.
func TestLose(t *testing.T) {
	m := none()
	ana := roster.Person{Key: "email=ana@x", Name: "ana", ConfirmedAt: new(at)}
	m.People[ana.ID()] = ana
	m.Claims["email=ana@x"] = roster.Claimant{Kind: roster.KindTeammate, Name: "ana"}
	m.Stamps["team"] = &roster.Stamp{ProfileRole: "care", AppliedAt: at, Members: []string{"ana"}, Profiles: []string{"p"}}
	tests := map[string]struct {
		shard string
		want  ledger.Loss
		known bool
	}{
		"keys":                     {"keys-0", ledger.Loss{Claims: []string{"email=ana@x"}}, true},
		"people":                   {"people-0", ledger.Loss{People: []string{ana.ID()}}, true},
		"a stamp":                  {"stamp-team-0", ledger.Loss{Group: "team"}, true},
		"one that was never there": {"people-7", ledger.Loss{}, false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			book, _ := store{}.open()
			book.Update(m, all(m))
			got, known := book.Lose(tc.shard)
			if diff := cmp.Diff(tc.want, got); diff != "" || known != tc.known {
				t.Errorf("known: %v (-want +got):\n%s", known, diff)
			}
			if _, known = book.Lose(tc.shard); known {
				t.Error("it is lost twice")
			}
			var names []string
			for _, s := range book.Update(m, all(m)) {
				names = append(names, s.Name)
			}
			if tc.known && !slices.Contains(names, tc.shard) {
				t.Errorf("written anew: %v", names)
			}
		})
	}
}
