package routing_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/canonical"
	"github.com/rollcall-dev/rollcall/internal/routing"
)

// hashOfObject is the hash as somebody else would compute it from a RoutePlan that was not cut.
func hashOfObject(t interface{ Fatal(args ...any) }, s rollcallv1.RoutePlanStatus) string {
	s.Hash, s.NextTransition, s.Truncated, s.Conditions = "", nil, false, nil
	b, err := canonical.JSON(s)
	if err != nil {
		t.Fatal(err)
	}
	return canonical.Hash(b)
}

func TestStatus(t *testing.T) {
	from := time.Date(2027, 7, 5, 6, 0, 0, 0, time.FixedZone("CEST", 2*3600))
	until := from.AddDate(0, 0, 14)
	plan := &routing.Plan{
		Target: routing.Target{Kind: routing.KindUserGroup, Name: "quebecois"}, Strategy: routing.Sequential,
		Candidates: []routing.Candidate{{
			Name: "ana", Position: new(int32(1)), Extension: "2001", Schedule: "montreal", Channels: []string{"Phone"},
			Absence: &routing.Absence{From: &from, Until: &until},
		}},
		Timeouts:    routing.Timeouts{MaxRingTime: new(15 * time.Second), MaxGroupDialingTime: new(time.Minute)},
		Voice:       &routing.Voice{Extension: "3001"},
		Supervisors: []string{"eva"},
		Overflow:    routing.Destination{Type: "Voicemail"},
		OutOfHours:  routing.Destination{Type: "Hangup"},
		Schedule:    routing.Schedule{Name: "montreal", TimeZone: "America/Toronto"},
	}
	b, err := json.MarshalIndent(plan.Status(), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	want := `{
 "target": {
  "kind": "UserGroup",
  "name": "quebecois"
 },
 "strategy": "Sequential",
 "candidates": [
  {
   "name": "ana",
   "position": 1,
   "extension": "2001",
   "schedule": "montreal",
   "absence": {
    "from": "2027-07-05T04:00:00Z",
    "until": "2027-07-19T04:00:00Z"
   }
  }
 ],
 "candidateCount": 1,
 "timeouts": {
  "maxRingTime": "15s",
  "maxGroupDialingTime": "1m0s"
 },
 "voice": {
  "extension": "3001"
 },
 "supervisors": [
  "eva"
 ],
 "overflow": {
  "type": "Voicemail"
 },
 "outOfHours": {
  "type": "Hangup"
 },
 "schedule": {
  "name": "montreal",
  "timeZone": "America/Toronto"
 },
 "hash": "` + plan.Hash() + `"
}`
	if diff := cmp.Diff(want, string(b)); diff != "" {
		t.Errorf("the example of API.md 5.4 (-want +got):\n%s", diff)
	}
}

// crowded is a plan of n candidates with names as long as they may be.
func crowded(n int) *routing.Plan {
	long := func(i int) string { return fmt.Sprintf("%05d", i) + strings.Repeat("x", 58) }
	p := &routing.Plan{Target: routing.Target{Kind: routing.KindDepartment, Name: long(0)}, Overflow: routing.Destination{Type: "Department", Name: long(1)}}
	at := monday
	for i := range n {
		c := routing.Candidate{
			Name: long(i), Extension: "0123456789", Schedule: long(2), Absence: &routing.Absence{From: &at, Until: &at},
			SkillScore: new(int32(100)), MaxChats: new(int32(10000)), Position: new(int32(i)),
		}
		for g := range 50 {
			c.Groups = append(c.Groups, long(g))
		}
		p.Candidates = append(p.Candidates, c)
		p.Excluded = append(p.Excluded, routing.Exclusion{Name: long(i), Reason: routing.ReasonAutoAssignmentOff})
		p.Supervisors = append(p.Supervisors, long(i))
	}
	for g := range 50 {
		p.Pools = append(p.Pools, routing.Pool{Name: long(g), Weight: new(int32(2)), MemberCount: 100000, Schedule: long(g)})
	}
	return p
}

func TestStatusIsCut(t *testing.T) {
	t.Run("P-16 below 200 KiB, with complete counts and hash", func(t *testing.T) {
		p := crowded(3000)
		s := p.Status()
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) > 200*1024 {
			t.Errorf("%d bytes, want at most 200 KiB", len(b))
		}
		if len(s.Candidates) != 200 || len(s.Candidates[0].Groups) != 5 || len(s.Supervisors) != 100 || len(s.Excluded.First) != 50 {
			t.Errorf("%d candidates of %d groups, %d supervisors, %d excluded", len(s.Candidates), len(s.Candidates[0].Groups), len(s.Supervisors), len(s.Excluded.First))
		}
		if !s.Truncated || s.CandidateCount != 3000 || s.Excluded.ByReason[0].Count != 3000 {
			t.Errorf("truncated %v, %d candidates, %v excluded", s.Truncated, s.CandidateCount, s.Excluded.ByReason)
		}
		q := crowded(3000)
		q.Candidates[2999].Extension = "1"
		if s.Hash != p.Hash() || q.Hash() == p.Hash() {
			t.Error("the hash does not cover the last candidate")
		}
		if len(p.Candidates[0].Groups) != 50 || len(p.Candidates) != 3000 {
			t.Error("the plan itself was cut")
		}
	})
	t.Run("nothing to cut", func(t *testing.T) {
		p := crowded(60)
		for i := range p.Candidates {
			p.Candidates[i].Groups = p.Candidates[i].Groups[:5]
		}
		if s := p.Status(); s.Truncated || len(s.Excluded.First) != 50 {
			t.Errorf("truncated %v, %d excluded named", s.Truncated, len(s.Excluded.First))
		}
	})
}

// TestPropertyHash holds the hash, which is written field by field, to the canonical JSON of the object.
func TestPropertyHash(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := randomPlan(t)
		s := p.Status()
		if s.Truncated {
			t.Fatal("the plan is too large for this test")
		}
		if want := hashOfObject(t, s); s.Hash != want {
			b, _ := canonical.JSON(s)
			t.Fatalf("hash %s, want %s of %s", s.Hash, want, b)
		}
	})
}

func randomPlan(t *rapid.T) *routing.Plan {
	text := func(label string) string {
		return rapid.SampledFrom([]string{"", "a", "b-c", "d.e", `"`, "é<&>", "\n"}).Draw(t, label)
	}
	number := func(label string) *int32 {
		if rapid.Bool().Draw(t, label+" set") {
			return new(rapid.Int32Range(-1, 9).Draw(t, label))
		}
		return nil
	}
	instant := func(label string) *time.Time {
		if rapid.Bool().Draw(t, label+" set") {
			return new(monday.Add(time.Duration(rapid.IntRange(0, 99999).Draw(t, label)) * time.Second).In(time.FixedZone("", 3600)))
		}
		return nil
	}
	span := func(label string) *time.Duration {
		if rapid.Bool().Draw(t, label+" set") {
			return new(time.Duration(rapid.IntRange(0, 99999).Draw(t, label)) * time.Millisecond)
		}
		return nil
	}
	list := func(label string) []string {
		return rapid.SliceOfN(rapid.SampledFrom([]string{"x", "y", "z"}), 0, 3).Draw(t, label)
	}
	p := &routing.Plan{
		Target:      routing.Target{Kind: rapid.SampledFrom([]routing.Kind{routing.KindDepartment, routing.KindQueue}).Draw(t, "kind"), Name: "x" + text("name")},
		Strategy:    routing.Strategy(text("strategy")),
		Mode:        routing.Mode(text("mode")),
		Supervisors: list("supervisors"),
		Overflow:    routing.Destination{Type: "Queue", Name: text("overflow")},
		OutOfHours:  routing.Destination{Type: "Reject"},
		Schedule:    routing.Schedule{Name: text("schedule"), TimeZone: text("zone")},
		Timeouts: routing.Timeouts{
			MaxRingTime: span("ring"), MaxGroupDialingTime: span("group"), MaxWaitingTime: span("wait"),
			ReassignAfter: span("reassign"), OverflowAfter: span("overflow after"),
		},
	}
	for range rapid.IntRange(0, 3).Draw(t, "candidates") {
		c := routing.Candidate{
			Name: "t" + text("candidate"), Groups: list("groups"), Position: number("position"), Extension: text("extension"), SkillScore: number("score"),
			MaxChats: number("chats"), Schedule: text("shift"), Channels: list("channels"),
		}
		if rapid.Bool().Draw(t, "absent") {
			c.Absence = &routing.Absence{From: instant("from"), Until: instant("until")}
		}
		p.Candidates = append(p.Candidates, c)
	}
	for range rapid.IntRange(0, 4).Draw(t, "excluded") {
		reason := rapid.SampledFrom([]routing.Reason{routing.ReasonSkills, routing.ReasonChannel}).Draw(t, "reason")
		p.Excluded = append(p.Excluded, routing.Exclusion{Name: "n" + text("excluded"), Reason: reason})
	}
	for range rapid.IntRange(0, 2).Draw(t, "pools") {
		p.Pools = append(p.Pools, routing.Pool{Name: "g" + text("pool"), Weight: number("weight"), MemberCount: 3, Schedule: text("pool schedule")})
	}
	if rapid.Bool().Draw(t, "cap") {
		p.Cap = &routing.Cap{Legs: 4, Scope: routing.PerGroup}
	}
	if rapid.Bool().Draw(t, "voice") {
		p.Voice = &routing.Voice{Extension: text("voice extension"), CallerIDProfile: text("caller")}
		if rapid.Bool().Draw(t, "audio") {
			p.Voice.Audio = rapid.SampledFrom([]*routing.Audio{
				{Type: "Library", LibraryID: "l"}, {Type: "URL", URL: "https://a.example/é?b&c"}, {Type: "ConfigMap", ConfigMapName: "m", ConfigMapKey: "k"},
			}).Draw(t, "source")
		}
	}
	return p
}
