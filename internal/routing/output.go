package routing

import (
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/canonical"
)

// Limits of the stored form (API.md 5.4). With them a RoutePlan stays below 200 KiB whatever the names are: no entry of
// any list is longer than 800 bytes.
const (
	maxCandidates      = 200
	maxCandidateGroups = 5
	maxExcluded        = 50
	maxSupervisors     = 100
)

// Status returns the form stored in RoutePlan: long lists are cut, with truncated set, while counts and hash cover the
// complete plan. Conditions and nextTransition are the caller's.
func (p *Plan) Status() rollcallv1.RoutePlanStatus {
	s := p.complete()
	s.Hash = p.Hash()
	if len(s.Candidates) > maxCandidates {
		s.Candidates, s.Truncated = s.Candidates[:maxCandidates], true
	}
	for i := range s.Candidates {
		if c := &s.Candidates[i]; len(c.Groups) > maxCandidateGroups {
			c.Groups, s.Truncated = c.Groups[:maxCandidateGroups], true
		}
	}
	if len(s.Supervisors) > maxSupervisors {
		s.Supervisors, s.Truncated = s.Supervisors[:maxSupervisors], true
	}
	if s.Excluded != nil && len(s.Excluded.First) > maxExcluded {
		s.Excluded.First = s.Excluded.First[:maxExcluded]
	}
	return s
}

// Hash is that of R-1: the first 16 hexadecimal digits of SHA-256 over the canonical JSON of the complete plan.
func (p *Plan) Hash() string {
	var w canonical.Writer
	p.write(&w)
	return canonical.Hash(w.Bytes())
}

// complete is the plan in the form of RoutePlan with nothing cut, without hash and conditions.
func (p *Plan) complete() rollcallv1.RoutePlanStatus {
	return rollcallv1.RoutePlanStatus{
		Target:         rollcallv1.RouteTarget{Kind: string(p.Target.Kind), Name: p.Target.Name},
		Strategy:       string(p.Strategy),
		Mode:           string(p.Mode),
		Candidates:     p.storedCandidates(),
		CandidateCount: int32(len(p.Candidates)),
		Excluded:       p.storedExclusions(),
		Pools:          p.storedPools(),
		Timeouts:       p.storedTimeouts(),
		Cap:            p.storedCap(),
		Voice:          p.storedVoice(),
		Supervisors:    p.Supervisors,
		Overflow:       storedDestination(p.Overflow),
		OutOfHours:     storedDestination(p.OutOfHours),
		Schedule:       p.storedSchedule(),
	}
}

func (p *Plan) storedCandidates() []rollcallv1.RouteCandidate {
	var out []rollcallv1.RouteCandidate
	for i := range p.Candidates {
		c := &p.Candidates[i]
		stored := rollcallv1.RouteCandidate{
			Name: c.Name, Groups: c.Groups, Position: c.Position, Extension: c.Extension,
			SkillScore: value(c.SkillScore), MaxChats: c.MaxChats, Schedule: c.Schedule,
		}
		for _, channel := range p.namedChannels(c) {
			stored.Channels = append(stored.Channels, rollcallv1.Channel(channel))
		}
		if c.Absence != nil {
			stored.Absence = &rollcallv1.AbsenceWindow{From: storedTime(c.Absence.From), Until: storedTime(c.Absence.Until)}
		}
		out = append(out, stored)
	}
	return out
}

// namedChannels are the channels that the stored candidate names: those of queues, which have candidates for some of
// their channels only. Elsewhere they are for the engine alone.
func (p *Plan) namedChannels(c *Candidate) []string {
	if p.Target.Kind != KindQueue {
		return nil
	}
	return c.Channels
}

func storedTime(at *time.Time) *metav1.Time {
	if at == nil {
		return nil
	}
	return new(metav1.NewTime(at.UTC()))
}

func (p *Plan) storedExclusions() *rollcallv1.Excluded {
	if len(p.Excluded) == 0 {
		return nil
	}
	out := &rollcallv1.Excluded{}
	counts := map[Reason]int32{}
	for _, x := range p.Excluded {
		counts[x.Reason]++
		out.First = append(out.First, rollcallv1.ExcludedCandidate{Name: x.Name, Reason: string(x.Reason)})
	}
	for reason, n := range counts {
		out.ByReason = append(out.ByReason, rollcallv1.ReasonCount{Name: string(reason), Count: n})
	}
	slices.SortFunc(out.ByReason, func(a, b rollcallv1.ReasonCount) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func (p *Plan) storedPools() []rollcallv1.RoutePool {
	var out []rollcallv1.RoutePool
	for _, g := range p.Pools {
		out = append(out, rollcallv1.RoutePool{Name: g.Name, Weight: g.Weight, MemberCount: int32(g.MemberCount), Schedule: g.Schedule})
	}
	return out
}

func (p *Plan) storedTimeouts() *rollcallv1.RouteTimeouts {
	if p.Timeouts == (Timeouts{}) {
		return nil
	}
	d := func(d *time.Duration) *metav1.Duration {
		if d == nil {
			return nil
		}
		return &metav1.Duration{Duration: *d}
	}
	return &rollcallv1.RouteTimeouts{
		MaxRingTime: d(p.Timeouts.MaxRingTime), MaxGroupDialingTime: d(p.Timeouts.MaxGroupDialingTime),
		MaxWaitingTime: d(p.Timeouts.MaxWaitingTime), ReassignAfter: d(p.Timeouts.ReassignAfter), OverflowAfter: d(p.Timeouts.OverflowAfter),
	}
}

func (p *Plan) storedCap() *rollcallv1.RouteCap {
	if p.Cap == nil {
		return nil
	}
	return &rollcallv1.RouteCap{Legs: p.Cap.Legs, Scope: rollcallv1.UnansweredCallsScope(p.Cap.Scope)}
}

func (p *Plan) storedVoice() *rollcallv1.RouteVoice {
	if p.Voice == nil || *p.Voice == (Voice{}) {
		return nil
	}
	out := &rollcallv1.RouteVoice{Extension: p.Voice.Extension, CallerIDProfile: p.Voice.CallerIDProfile}
	if a := p.Voice.Audio; a != nil {
		out.Audio = &rollcallv1.AudioSource{Type: rollcallv1.AudioSourceType(a.Type), LibraryID: unlessEmpty(a.LibraryID), URL: unlessEmpty(a.URL)}
		if a.ConfigMapName != "" {
			out.Audio.ConfigMapKeyRef = &rollcallv1.KeyRef{Name: a.ConfigMapName, Key: a.ConfigMapKey}
		}
	}
	return out
}

func unlessEmpty(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func storedDestination(d Destination) *rollcallv1.RouteOverflow {
	if d == (Destination{}) {
		return nil
	}
	return &rollcallv1.RouteOverflow{Type: d.Type, Name: d.Name}
}

func (p *Plan) storedSchedule() *rollcallv1.RouteSchedule {
	if p.Schedule.Name == "" {
		return nil
	}
	return &rollcallv1.RouteSchedule{Name: p.Schedule.Name, TimeZone: p.Schedule.TimeZone}
}

// write appends the canonical JSON of complete(), keys in ascending order, without building it: plans of hundreds of
// candidates are hashed at every change. A test holds the two together.
func (p *Plan) write(w *canonical.Writer) {
	w.Open()
	w.Key("candidateCount")
	w.Int(int64(len(p.Candidates)))
	if len(p.Candidates) > 0 {
		w.Key("candidates")
		w.OpenList()
		for i := range p.Candidates {
			p.writeCandidate(w, &p.Candidates[i])
		}
		w.CloseList()
	}
	if p.Cap != nil {
		w.Key("cap")
		w.Open()
		writeInt(w, "legs", &p.Cap.Legs)
		w.Text("scope", string(p.Cap.Scope))
		w.Close()
	}
	p.writeExclusions(w)
	w.Text("mode", string(p.Mode))
	writeDestination(w, "outOfHours", p.OutOfHours)
	writeDestination(w, "overflow", p.Overflow)
	p.writePools(w)
	if p.Schedule.Name != "" {
		w.Key("schedule")
		w.Open()
		w.Text("name", p.Schedule.Name)
		w.Text("timeZone", p.Schedule.TimeZone)
		w.Close()
	}
	w.Text("strategy", string(p.Strategy))
	w.Strings("supervisors", p.Supervisors)
	w.Key("target")
	w.Open()
	w.Key("kind")
	w.String(string(p.Target.Kind))
	w.Key("name")
	w.String(p.Target.Name)
	w.Close()
	p.Timeouts.write(w)
	p.writeVoice(w)
	w.Close()
}

func (p *Plan) writeCandidate(w *canonical.Writer, c *Candidate) {
	w.Open()
	if c.Absence != nil {
		w.Key("absence")
		w.Open()
		writeTime(w, "from", c.Absence.From)
		writeTime(w, "until", c.Absence.Until)
		w.Close()
	}
	w.Strings("channels", p.namedChannels(c))
	w.Text("extension", c.Extension)
	w.Strings("groups", c.Groups)
	writeInt(w, "maxChats", c.MaxChats)
	w.Key("name")
	w.String(c.Name)
	writeInt(w, "position", c.Position)
	w.Text("schedule", c.Schedule)
	if value(c.SkillScore) != 0 {
		writeInt(w, "skillScore", c.SkillScore)
	}
	w.Close()
}

func (p *Plan) writeExclusions(w *canonical.Writer) {
	stored := p.storedExclusions()
	if stored == nil {
		return
	}
	w.Key("excluded")
	w.Open()
	w.Key("byReason")
	w.OpenList()
	for _, r := range stored.ByReason {
		w.Open()
		writeInt(w, "count", &r.Count)
		w.Text("name", r.Name)
		w.Close()
	}
	w.CloseList()
	w.Key("first")
	w.OpenList()
	for _, x := range stored.First {
		w.Open()
		w.Text("name", x.Name)
		w.Text("reason", x.Reason)
		w.Close()
	}
	w.CloseList()
	w.Close()
}

func (p *Plan) writePools(w *canonical.Writer) {
	if len(p.Pools) == 0 {
		return
	}
	w.Key("pools")
	w.OpenList()
	for _, g := range p.Pools {
		w.Open()
		w.Key("memberCount")
		w.Int(int64(g.MemberCount))
		w.Text("name", g.Name)
		w.Text("schedule", g.Schedule)
		writeInt(w, "weight", g.Weight)
		w.Close()
	}
	w.CloseList()
}

func (t Timeouts) write(w *canonical.Writer) {
	if t == (Timeouts{}) {
		return
	}
	w.Key("timeouts")
	w.Open()
	for _, e := range []struct {
		key  string
		time *time.Duration
	}{
		{"maxGroupDialingTime", t.MaxGroupDialingTime}, {"maxRingTime", t.MaxRingTime}, {"maxWaitingTime", t.MaxWaitingTime},
		{"overflowAfter", t.OverflowAfter}, {"reassignAfter", t.ReassignAfter},
	} {
		if e.time != nil {
			w.Text(e.key, e.time.String())
		}
	}
	w.Close()
}

func (p *Plan) writeVoice(w *canonical.Writer) {
	if p.Voice == nil || *p.Voice == (Voice{}) {
		return
	}
	w.Key("voice")
	w.Open()
	if a := p.Voice.Audio; a != nil {
		w.Key("audio")
		w.Open()
		if a.ConfigMapName != "" {
			w.Key("configMapKeyRef")
			w.Open()
			w.Text("key", a.ConfigMapKey)
			w.Text("name", a.ConfigMapName)
			w.Close()
		}
		w.Text("libraryID", a.LibraryID)
		w.Text("type", a.Type)
		w.Text("url", a.URL)
		w.Close()
	}
	w.Text("callerIDProfile", p.Voice.CallerIDProfile)
	w.Text("extension", p.Voice.Extension)
	w.Close()
}

func writeDestination(w *canonical.Writer, key string, d Destination) {
	if d == (Destination{}) {
		return
	}
	w.Key(key)
	w.Open()
	w.Text("name", d.Name)
	w.Text("type", d.Type)
	w.Close()
}

func writeInt(w *canonical.Writer, key string, n *int32) {
	if n != nil {
		w.Key(key)
		w.Int(int64(*n))
	}
}

func writeTime(w *canonical.Writer, key string, at *time.Time) {
	if at != nil {
		w.Text(key, at.UTC().Format(time.RFC3339))
	}
}
