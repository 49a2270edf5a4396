// Package ledger keeps what cannot be recomputed from specs (API.md section 9, RULES R-1): it turns the Ledger objects of
// a namespace into the memory of a roster and back, a shard at a time, so that a change rewrites only the shard it is in.
// Losing a shard narrows: see Lose.
package ledger

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// full is the size in bytes at which a shard takes no more entries; Kubernetes objects must stay below 256 KiB.
const full = 160 * 1024

// firstShard is always there, empty or not: outputs without any Ledger object mean that it was lost.
var firstShard = name(rollcallv1.LedgerRecordKeys, "", 0)

// Shard is one Ledger object as it should be; Object is nil for one to delete.
type Shard struct {
	Name   string
	Object *rollcallv1.Ledger
}

// entries are the keys that one shard of record People or Keys holds, with their sizes in bytes.
type entries struct {
	keys map[string]int
	size int
}

// Book knows which entry is in which shard of one namespace. It is not safe for concurrent use.
type Book struct {
	people, claims []*entries
	peopleIn       map[string]int
	claimsIn       map[string]int
	stamps         map[string]int // group -> number of shards
	live           map[string]struct{}
}

// Open reads the Ledger objects of a namespace.
func Open(objects []*rollcallv1.Ledger) (*Book, roster.Memory) {
	b := &Book{peopleIn: map[string]int{}, claimsIn: map[string]int{}, stamps: map[string]int{}, live: map[string]struct{}{}}
	m := roster.Memory{Claims: map[string]roster.Claimant{}, People: map[string]roster.Person{}, Stamps: map[string]*roster.Stamp{}}
	objects = slices.Clone(objects)
	slices.SortFunc(objects, func(x, y *rollcallv1.Ledger) int { return int(x.Shard) - int(y.Shard) })
	for _, o := range objects {
		b.live[o.Name] = struct{}{}
		i := int(o.Shard)
		switch o.Record {
		case rollcallv1.LedgerRecordPeople:
			for _, e := range o.People {
				p := person(e)
				if _, twice := m.People[p.ID()]; !twice {
					m.People[p.ID()] = p
					place(&b.people, b.peopleIn, p.ID(), i, personSize(p))
				}
			}
		case rollcallv1.LedgerRecordKeys:
			for _, e := range o.Keys {
				if _, twice := m.Claims[e.Key]; !twice {
					c := roster.Claimant{Kind: e.Kind, Name: e.Name}
					m.Claims[e.Key] = c
					place(&b.claims, b.claimsIn, e.Key, i, claimSize(e.Key, c))
				}
			}
		case rollcallv1.LedgerRecordStamp:
			if o.Subject == nil || o.Stamp == nil {
				continue
			}
			b.stamps[o.Subject.Name] = max(b.stamps[o.Subject.Name], i+1)
			m.Stamps[o.Subject.Name] = joinStamp(m.Stamps[o.Subject.Name], o.Stamp)
		}
	}
	return b, m
}

func place(shards *[]*entries, in map[string]int, key string, shard, size int) {
	for len(*shards) <= shard {
		*shards = append(*shards, &entries{keys: map[string]int{}})
	}
	s := (*shards)[shard]
	s.size += size - s.keys[key]
	s.keys[key] = size
	in[key] = shard
}

// settle finds the shard of an entry: where it is, else the first with room. size 0 takes the entry out.
func settle(shards *[]*entries, in map[string]int, key string, size int) (shard int, held bool) {
	if at, ok := in[key]; ok {
		s := (*shards)[at]
		s.size -= s.keys[key]
		delete(s.keys, key)
		if size > 0 {
			place(shards, in, key, at, size)
		} else {
			delete(in, key)
		}
		return at, true
	}
	if size == 0 {
		return 0, false
	}
	at := slices.IndexFunc(*shards, func(s *entries) bool { return s.size+size <= full })
	if at < 0 {
		at = len(*shards)
	}
	place(shards, in, key, at, size)
	return at, true
}

// Exists reports whether the namespace has any Ledger object, as far as the book knows.
func (b *Book) Exists() bool { return len(b.live) > 0 }

// Update returns the shards that must be written or deleted so that the Ledger holds m, of which only the fresh parts
// changed. The book takes them as written: call Open again if a write fails for good.
func (b *Book) Update(m roster.Memory, fresh roster.Fresh) []Shard {
	var out []Shard
	dirty := map[int]bool{}
	for key := range fresh.People {
		size := 0
		if p, ok := m.People[key]; ok {
			size = personSize(p)
		}
		if at, held := settle(&b.people, b.peopleIn, key, size); held {
			dirty[at] = true
		}
	}
	for _, i := range slices.Sorted(maps.Keys(dirty)) {
		out = append(out, b.peopleShard(i, m))
	}
	clear(dirty)
	for key := range fresh.Claims {
		size := 0
		if c, ok := m.Claims[key]; ok {
			size = claimSize(key, c)
		}
		if at, held := settle(&b.claims, b.claimsIn, key, size); held {
			dirty[at] = true
		}
	}
	if _, there := b.live[firstShard]; !there {
		if len(b.claims) == 0 {
			b.claims = append(b.claims, &entries{keys: map[string]int{}})
		}
		dirty[0] = true
	}
	for _, i := range slices.Sorted(maps.Keys(dirty)) {
		out = append(out, b.claimsShard(i, m))
	}
	for _, group := range slices.Sorted(maps.Keys(fresh.Stamps)) {
		out = append(out, b.stampShards(group, m.Stamps[group])...)
	}
	for _, s := range out {
		if s.Object == nil {
			delete(b.live, s.Name)
		} else {
			b.live[s.Name] = struct{}{}
		}
	}
	return out
}

func name(record rollcallv1.LedgerRecord, subject string, shard int) string {
	r := strings.ToLower(string(record))
	if subject != "" {
		r += "-" + subject
	}
	return fmt.Sprintf("%s-%d", r, shard)
}

func object(record rollcallv1.LedgerRecord, subject string, shard int) *rollcallv1.Ledger {
	o := &rollcallv1.Ledger{Record: record, Shard: int32(shard)}
	o.Name = name(record, subject, shard)
	o.Labels = map[string]string{rollcallv1.LabelLedger: strings.ToLower(string(record)), rollcallv1.LabelManagedBy: rollcallv1.ManagedBy}
	if subject != "" {
		o.Subject = &rollcallv1.LedgerSubject{Kind: roster.KindUserGroup, Name: subject}
		o.Labels[rollcallv1.LabelTargetKind] = strings.ToLower(roster.KindUserGroup)
		o.Labels[rollcallv1.LabelTargetName] = subject
	}
	return o
}

func (b *Book) peopleShard(i int, m roster.Memory) Shard {
	keys := slices.Sorted(maps.Keys(b.people[i].keys))
	if len(keys) == 0 {
		return Shard{Name: name(rollcallv1.LedgerRecordPeople, "", i)}
	}
	o := object(rollcallv1.LedgerRecordPeople, "", i)
	for _, k := range keys {
		o.People = append(o.People, entry(m.People[k]))
	}
	return Shard{Name: o.Name, Object: o}
}

func (b *Book) claimsShard(i int, m roster.Memory) Shard {
	keys := slices.Sorted(maps.Keys(b.claims[i].keys))
	if len(keys) == 0 && i > 0 {
		return Shard{Name: name(rollcallv1.LedgerRecordKeys, "", i)}
	}
	o := object(rollcallv1.LedgerRecordKeys, "", i)
	for _, k := range keys {
		c := m.Claims[k]
		o.Keys = append(o.Keys, rollcallv1.LedgerKey{Key: k, Kind: c.Kind, Name: c.Name})
	}
	return Shard{Name: o.Name, Object: o}
}

// stampShards writes a stamp anew: its lists are cut into as many shards as they need.
func (b *Book) stampShards(group string, s *roster.Stamp) []Shard {
	var out []Shard
	had := b.stamps[group]
	if s != nil {
		for i, part := range splitStamp(s) {
			o := object(rollcallv1.LedgerRecordStamp, group, i)
			o.Stamp = part
			out = append(out, Shard{Name: o.Name, Object: o})
		}
	}
	for i := len(out); i < had; i++ {
		out = append(out, Shard{Name: name(rollcallv1.LedgerRecordStamp, group, i)})
	}
	delete(b.stamps, group)
	if s != nil {
		b.stamps[group] = len(out)
		for b.stamps[group] > 0 && out[b.stamps[group]-1].Object == nil {
			b.stamps[group]--
		}
	}
	return out
}

func splitStamp(s *roster.Stamp) []*rollcallv1.LedgerStamp {
	head := func() *rollcallv1.LedgerStamp {
		h := &rollcallv1.LedgerStamp{ProfileRole: s.ProfileRole, Token: s.Token}
		if !s.Lost() {
			h.AppliedAt = new(metav1.NewTime(s.AppliedAt))
		}
		return h
	}
	parts := []*rollcallv1.LedgerStamp{head()}
	size := 0
	add := func(to func(*rollcallv1.LedgerStamp) *[]string, names []string) {
		for _, n := range names {
			if size += len(n) + 4; size > full {
				parts, size = append(parts, head()), len(n)+4
			}
			list := to(parts[len(parts)-1])
			*list = append(*list, n)
		}
	}
	add(func(p *rollcallv1.LedgerStamp) *[]string { return &p.Members }, s.Members)
	add(func(p *rollcallv1.LedgerStamp) *[]string { return &p.Profiles }, s.Profiles)
	return parts
}

func joinStamp(s *roster.Stamp, part *rollcallv1.LedgerStamp) *roster.Stamp {
	if s == nil {
		s = &roster.Stamp{ProfileRole: part.ProfileRole, Token: part.Token}
		if part.AppliedAt != nil {
			s.AppliedAt = part.AppliedAt.UTC()
		}
	}
	s.Members = append(s.Members, part.Members...)
	s.Profiles = append(s.Profiles, part.Profiles...)
	slices.Sort(s.Members)
	slices.Sort(s.Profiles)
	return s
}

// Loss is what went with a deleted shard.
type Loss struct {
	Claims []string // keys
	People []string // IDs of records
	Group  string   // whose stamp
}

// Lose takes a deleted shard out of the book and says what was in it; ok is false for a shard the book does not hold.
func (b *Book) Lose(shardName string) (l Loss, ok bool) {
	if _, ok = b.live[shardName]; !ok {
		return l, false
	}
	delete(b.live, shardName)
	for i, s := range b.people {
		if name(rollcallv1.LedgerRecordPeople, "", i) == shardName {
			l.People = empty(s, b.peopleIn)
		}
	}
	for i, s := range b.claims {
		if name(rollcallv1.LedgerRecordKeys, "", i) == shardName {
			l.Claims = empty(s, b.claimsIn)
		}
	}
	for group, n := range b.stamps {
		for i := range n {
			if name(rollcallv1.LedgerRecordStamp, group, i) == shardName {
				l.Group = group
			}
		}
	}
	return l, true
}

func empty(s *entries, in map[string]int) []string {
	keys := slices.Sorted(maps.Keys(s.keys))
	for _, k := range keys {
		delete(in, k)
	}
	s.keys, s.size = map[string]int{}, 0
	return keys
}

// Apply takes a loss into a roster: keys are decided anew, people are forgotten, and a stamp leaves a lost stamp behind,
// so that everything it gave is pending. Nothing is widened. Settle must follow.
func (l Loss) Apply(r *roster.Roster) {
	r.ForgetClaims(l.Claims...)
	for _, key := range l.People {
		r.ForgetPerson(key)
	}
	if l.Group != "" {
		if s := r.Memory().Stamps[l.Group]; s != nil {
			r.SetStamp(l.Group, &roster.Stamp{ProfileRole: s.ProfileRole, Token: s.Token})
		}
	}
}

func claimSize(key string, c roster.Claimant) int { return len(key) + len(c.Kind) + len(c.Name) + 32 }

func personSize(p roster.Person) int {
	size := len(p.Key) + len(p.Name) + len(p.Home) + len(p.Cover) + len(p.Campaign) + 128
	if c := p.ApprovedCard; c != nil {
		size += len(c.FirstName) + 2*len(c.Bio) + len(c.HomeTown) + len(c.StateOrCountry) + 96
		if c.Image != nil {
			size += len(c.Image.URL) + 64
		}
	}
	return size
}

func person(e rollcallv1.LedgerPerson) roster.Person {
	p := roster.Person{Key: e.Key, Name: e.Name, Campaign: e.Campaign, ConfirmedAt: instant(e.ConfirmedAt), ArchivedAt: instant(e.ArchivedAt)}
	if e.ExclusiveGroup != nil {
		p.Home, p.Cover = e.ExclusiveGroup.Home, e.ExclusiveGroup.Cover
	}
	if c := e.ApprovedCard; c != nil {
		p.ApprovedCard = &roster.Card{FirstName: c.FirstName, Image: c.Image, Bio: c.Bio, HomeTown: c.HomeTown, StateOrCountry: c.StateOrCountry}
	}
	return p
}

func entry(p roster.Person) rollcallv1.LedgerPerson {
	e := rollcallv1.LedgerPerson{Key: p.Key, Name: p.Name, Campaign: p.Campaign, ConfirmedAt: stored(p.ConfirmedAt), ArchivedAt: stored(p.ArchivedAt)}
	if p.Home != "" || p.Cover != "" {
		e.ExclusiveGroup = &rollcallv1.LedgerExclusiveGroup{Home: p.Home, Cover: p.Cover}
	}
	if c := p.ApprovedCard; c != nil {
		e.ApprovedCard = &rollcallv1.LedgerCard{FirstName: c.FirstName, Image: c.Image, Bio: c.Bio, HomeTown: c.HomeTown, StateOrCountry: c.StateOrCountry}
	}
	return e
}

func instant(t *metav1.Time) *time.Time {
	if t == nil {
		return nil
	}
	return new(t.UTC())
}

func stored(t *time.Time) *metav1.Time {
	if t == nil {
		return nil
	}
	return new(metav1.NewTime(*t))
}
