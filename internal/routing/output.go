package routing

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/canonical"
)

// Limits of the stored form (API.md section 1, Outputs). Counts and hash always cover the complete plan.
const (
	maxStoredCandidates  = 200
	maxStoredGroups      = 5
	maxStoredExclusions  = 50
	maxStoredSupervisors = 100
	maxStoreSize         = 200 * 1024
)

// Status returns the form stored in RoutePlan: at most 200 candidates and 200 KiB, with truncated set when something was
// left out. Conditions and nextTransition are the caller's.
func (p *Plan) Status() rollcallv1.RoutePlanStatus {
	s := p.complete()
	s.Hash = hashOf(&s)
	if len(s.Candidates) > maxStoredCandidates {
		s.Candidates, s.Truncated = s.Candidates[:maxStoredCandidates], true
	}
	for i := range s.Candidates {
		if c := &s.Candidates[i]; len(c.Groups) > maxStoredGroups {
			c.Groups, s.Truncated = c.Groups[:maxStoredGroups], true
		}
	}
	if len(s.Supervisors) > maxStoredSupervisors {
		s.Supervisors, s.Truncated = s.Supervisors[:maxStoredSupervisors], true
	}
	if s.Excluded != nil && len(s.Excluded.First) > maxStoredExclusions {
		s.Excluded.First = s.Excluded.First[:maxStoredExclusions]
	}
	for size := sizeOf(&s); size > maxStoreSize && len(s.Candidates) > 0; {
		last := len(s.Candidates) - 1
		size -= sizeOfCandidate(&s.Candidates[last])
		s.Candidates, s.Truncated = s.Candidates[:last], true
	}
	return s
}

// Hash returns the hash of the complete plan.
func (p *Plan) Hash() string {
	s := p.complete()
	return hashOf(&s)
}

// complete is the whole plan in the form of the API, nothing cut.
func (p *Plan) complete() rollcallv1.RoutePlanStatus {
	s := rollcallv1.RoutePlanStatus{
		Target:   rollcallv1.RouteTarget{Kind: string(p.Target.Kind), Name: p.Target.Name},
		Strategy: string(p.Strategy), Mode: string(p.Mode),
		CandidateCount: int32(len(p.Candidates)), Supervisors: p.Supervisors,
		Overflow: p.Overflow.stored(), OutOfHours: p.OutOfHours.stored(),
		Timeouts: p.Timeouts.stored(), Excluded: p.excluded(),
	}
	if len(p.Candidates) > 0 {
		s.Candidates = make([]rollcallv1.RouteCandidate, len(p.Candidates))
		for i := range p.Candidates {
			s.Candidates[i] = p.Candidates[i].stored(p.Target.Kind)
		}
	}
	for _, g := range p.Pools {
		s.Pools = append(s.Pools, rollcallv1.RoutePool{Name: g.Name, Weight: g.Weight, MemberCount: int32(g.MemberCount), Schedule: g.Schedule})
	}
	if p.Cap != nil {
		s.Cap = &rollcallv1.RouteCap{Legs: p.Cap.Legs, Scope: rollcallv1.UnansweredCallsScope(p.Cap.Scope)}
	}
	if v := p.Voice; v != nil && (v.Extension != "" || v.CallerIDProfile != "" || v.Audio != nil) {
		s.Voice = &rollcallv1.RouteVoice{Extension: v.Extension, CallerIDProfile: v.CallerIDProfile, Audio: v.Audio.stored()}
	}
	if p.Schedule.Name != "" {
		s.Schedule = &rollcallv1.RouteSchedule{Name: p.Schedule.Name, TimeZone: p.Schedule.TimeZone}
	}
	return s
}

// stored is the candidate of a target of that kind. Only queues have candidates for some of their channels and name them
// elsewhere channels are for the engine alone.
func (c *Candidate) stored(kind Kind) rollcallv1.RouteCandidate {
	out := rollcallv1.RouteCandidate{Name: c.Name, Groups: c.Groups, Position: c.Position, Extension: c.Extension, MaxChats: c.MaxChats, Schedule: c.Schedule}
	if c.SkillScore != nil {
		out.SkillScore = *c.SkillScore
	}
	if a := c.Absence; a != nil {
		out.Absence = &rollcallv1.AbsenceWindow{From: stamp(a.From), Until: stamp(a.Until)}
	}
	if kind != KindQueue {
		return out
	}
	for _, ch := range c.Channels {
		out.Channels = append(out.Channels, rollcallv1.Channel(ch))
	}
	return out
}

func stamp(t *time.Time) *metav1.Time {
	if t == nil {
		return nil
	}
	return new(metav1.NewTime(t.UTC()))
}

// excluded counts the reasons, by name, and names everybody.
func (p *Plan) excluded() *rollcallv1.Excluded {
	if len(p.Excluded) == 0 {
		return nil
	}
	counts := map[Reason]int32{}
	out := &rollcallv1.Excluded{}
	for _, e := range p.Excluded {
		counts[e.Reason]++
		out.First = append(out.First, rollcallv1.ExcludedCandidate{Name: e.Name, Reason: string(e.Reason)})
	}
	for _, r := range reasonsInOrder {
		if n := counts[r]; n > 0 {
			out.ByReason = append(out.ByReason, rollcallv1.ReasonCount{Name: string(r), Count: n})
		}
	}
	return out
}

// reasonsInOrder are the static reasons, sorted by name like every list of an output.
var reasonsInOrder = []Reason{
	ReasonAutoAssignmentOff, ReasonAvailability, ReasonCampaignExclusive, ReasonChannel, ReasonLifecycle, ReasonNoProfileAccess,
	ReasonNotMember, ReasonRoleCannotHandle, ReasonSkills, ReasonSupervisorOnly,
}

func (d Destination) stored() *rollcallv1.RouteOverflow {
	if d.Type == "" {
		return nil
	}
	return &rollcallv1.RouteOverflow{Type: d.Type, Name: d.Name}
}

func (t Timeouts) stored() *rollcallv1.RouteTimeouts {
	if t == (Timeouts{}) {
		return nil
	}
	d := func(d *time.Duration) *metav1.Duration {
		if d == nil {
			return nil
		}
		return &metav1.Duration{Duration: *d}
	}
	return &rollcallv1.RouteTimeouts{MaxRingTime: d(t.MaxRingTime), MaxGroupDialingTime: d(t.MaxGroupDialingTime),
		MaxWaitingTime: d(t.MaxWaitingTime), ReassignAfter: d(t.ReassignAfter), OverflowAfter: d(t.OverflowAfter)}
}

func (a *Audio) stored() *rollcallv1.AudioSource {
	if a == nil {
		return nil
	}
	out := &rollcallv1.AudioSource{Type: rollcallv1.AudioSourceType(a.Type)}
	switch out.Type {
	case rollcallv1.AudioSourceTypeLibrary:
		out.LibraryID = &a.LibraryID
	case rollcallv1.AudioSourceTypeURL:
		out.URL = &a.URL
	case rollcallv1.AudioSourceTypeConfigMap:
		out.ConfigMapKeyRef = &rollcallv1.KeyRef{Name: a.ConfigMapName, Key: a.ConfigMapKey}
	}
	return out
}

func hashOf(s *rollcallv1.RoutePlanStatus) string {
	var w canonical.Writer
	write(&w, s)
	return canonical.Hash(w.Bytes())
}

func sizeOf(s *rollcallv1.RoutePlanStatus) int {
	var w canonical.Writer
	write(&w, s)
	return len(w.Bytes())
}

func sizeOfCandidate(c *rollcallv1.RouteCandidate) int {
	var w canonical.Writer
	writeCandidate(&w, c)
	return len(w.Bytes()) + 1
}

// write appends the canonical JSON of a status without hash, nextTransition, truncated and conditions.
func write(w *canonical.Writer, s *rollcallv1.RoutePlanStatus) {
	w.Open()
	w.Key("candidateCount")
	w.Int(int64(s.CandidateCount))
	if len(s.Candidates) > 0 {
		w.Key("candidates")
		w.OpenList()
		for i := range s.Candidates {
			writeCandidate(w, &s.Candidates[i])
		}
		w.CloseList()
	}
	writeValue(w, "cap", s.Cap, s.Cap != nil)
	writeExcluded(w, s.Excluded)
	w.Text("mode", s.Mode)
	writeValue(w, "outOfHours", s.OutOfHours, s.OutOfHours != nil)
	writeValue(w, "overflow", s.Overflow, s.Overflow != nil)
	writeValue(w, "pools", s.Pools, len(s.Pools) > 0)
	writeValue(w, "schedule", s.Schedule, s.Schedule != nil)
	w.Text("strategy", s.Strategy)
	w.Strings("supervisors", s.Supervisors)
	writeValue(w, "target", s.Target, true)
	writeValue(w, "timeouts", s.Timeouts, s.Timeouts != nil)
	writeValue(w, "voice", s.Voice, s.Voice != nil)
	w.Close()
}

// writeValue appends one of the small parts of a status.
func writeValue(w *canonical.Writer, key string, v any, present bool) {
	if !present {
		return
	}
	b, err := canonical.JSON(v)
	if err != nil {
		panic(err) // API types always marshal
	}
	w.Key(key)
	w.Raw(b)
}

func writeCandidate(w *canonical.Writer, c *rollcallv1.RouteCandidate) {
	w.Open()
	if a := c.Absence; a != nil {
		w.Key("absence")
		w.Open()
		writeTime(w, "from", a.From)
		writeTime(w, "until", a.Until)
		w.Close()
	}
	if len(c.Channels) > 0 {
		w.Key("channels")
		w.OpenList()
		for _, ch := range c.Channels {
			w.String(string(ch))
		}
		w.CloseList()
	}
	w.Text("extension", c.Extension)
	w.Strings("groups", c.Groups)
	writeInt(w, "maxChats", c.MaxChats)
	w.Text("name", c.Name)
	writeInt(w, "position", c.Position)
	w.Text("schedule", c.Schedule)
	if c.SkillScore != 0 {
		writeInt(w, "skillScore", &c.SkillScore)
	}
	w.Close()
}

func writeTime(w *canonical.Writer, key string, t *metav1.Time) {
	if t != nil {
		w.Key(key)
		w.String(t.UTC().Format(time.RFC3339))
	}
}

func writeInt(w *canonical.Writer, key string, v *int32) {
	if v != nil {
		w.Key(key)
		w.Int(int64(*v))
	}
}

func writeExcluded(w *canonical.Writer, e *rollcallv1.Excluded) {
	if e == nil {
		return
	}
	w.Key("excluded")
	w.Open()
	if len(e.ByReason) > 0 {
		w.Key("byReason")
		w.OpenList()
		for _, r := range e.ByReason {
			w.Open()
			w.Key("count")
			w.Int(int64(r.Count))
			w.Text("name", r.Name)
			w.Close()
		}
		w.CloseList()
	}
	if len(e.First) > 0 {
		w.Key("first")
		w.OpenList()
		for _, x := range e.First {
			w.Open()
			w.Text("name", x.Name)
			w.Text("reason", x.Reason)
			w.Close()
		}
		w.CloseList()
	}
	w.Close()
}
