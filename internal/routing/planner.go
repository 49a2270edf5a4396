package routing

import (
	"reflect"
	"slices"
	"strings"
	"time"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/incr"
	"github.com/rollcall-dev/rollcall/internal/roster"
	"github.com/rollcall-dev/rollcall/internal/schedule"
)

// People is what the packages that decide about persons answer to the planner.
type People interface {
	// GateOpen says whether the gate of the teammate is open.
	GateOpen(t *incr.Task, teammate string) bool
	// Handles says whether the teammate has the account permission conversations.handle.
	Handles(t *incr.Task, teammate string) bool
	// ViewsAny says whether the teammate has some view permission on at least one of the profiles, sorted.
	ViewsAny(t *incr.Task, teammate string, profiles []string) bool
	// ChatLimit is the effective limit of R-13, -1 for unlimited.
	ChatLimit(t *incr.Task, teammate string) int32
}

// Planner keeps the plans of one organization up to date. Its values are queries of the roster's graph:
// after a change and Settle, exactly the plans that read something that changed are computed again.
type Planner struct {
	roster *roster.Roster
	people People

	settings *incr.Query[struct{}, settings]
	dialable *incr.Query[string, bool]
	targets  *incr.Query[struct{}, []Target]

	compiled *incr.Query[string, *schedule.Schedule]
	zones    *incr.Query[string, zone]

	served   *incr.Query[Target, []service]
	services *incr.Index[string, string] // profile -> ranks of the targets that serve it
	edges    *incr.Query[Target, []Target]
	loops    *incr.Query[Target, loop]

	agents       *incr.Query[string, *agent]
	absences     *incr.Query[string, *Absence]
	requirements *incr.Query[Target, *requirement]
	general      *incr.Query[string, bool]
	generals     *incr.Query[struct{}, []string]
	expected     *incr.Query[string, []string]
	placements   *incr.Query[string, []placement]
	placed       *incr.Signal[Target]
	plans        *incr.Query[Target, *Plan]

	crowds  map[Target]*crowd
	singles map[string][]string // pool -> the list of just that pool

	watchers []func(target Target, before, after *Plan)
}

// NewPlanner adds the routing queries to the graph of a roster and observes the plans of all targets, also of those that
// come later. The queries of people must have been added before.
func NewPlanner(r *roster.Roster, people People) *Planner {
	p := &Planner{roster: r, people: people, crowds: map[Target]*crowd{}, singles: map[string][]string{}}
	p.settings = incr.NewQuery(r.Graph, "routingSettings", func(a, b settings) bool { return reflect.DeepEqual(a, b) }, p.organizationSettings)
	p.dialable = incr.NewQuery(r.Graph, "dialable", func(a, b bool) bool { return a == b }, p.isDialable)
	p.targets = incr.NewQuery(r.Graph, "targets", slices.Equal, p.allTargets)
	p.compiled = incr.NewQuery(r.Graph, "compiledSchedule", nil, p.compile)
	p.zones = incr.NewQuery(r.Graph, "scheduleZone", func(a, b zone) bool { return a == b }, p.zoneOf)
	p.services = incr.NewIndex[string, string](r.Graph, "services")
	p.served = incr.NewQuery(r.Graph, "served", slices.Equal, p.servedBy)
	p.served.OnChange(p.servedChanged)
	p.edges = incr.NewQuery(r.Graph, "overflowEdges", slices.Equal, p.edgesFrom)
	p.loops = incr.NewQuery(r.Graph, "overflowLoop", sameLoop, p.loopAt)
	p.agents = incr.NewQuery(r.Graph, "agent", sameAgent, p.agentOf)
	p.absences = incr.NewQuery(r.Graph, "absence", sameAbsence, p.firstAbsence)
	p.requirements = incr.NewQuery(r.Graph, "requirement", sameRequirement, p.requirementOf)
	p.general = incr.NewQuery(r.Graph, "generalDepartment", func(a, b bool) bool { return a == b }, func(t *incr.Task, name string) bool {
		d := r.Department(t, name)
		return d != nil && len(d.Spec.Groups) == 0
	})
	p.generals = incr.NewQuery(r.Graph, "generalDepartments", slices.Equal, p.generalDepartments)
	p.expected = incr.NewQuery(r.Graph, "expected", slices.Equal, p.expectedIn)
	p.placements = incr.NewQuery(r.Graph, "placements", samePlacements, p.place)
	p.placements.OnChange(p.placementsChanged)
	p.placed = incr.NewSignal[Target](r.Graph, "placed")
	p.plans = incr.NewQuery(r.Graph, "plan", samePlan, p.compute)
	p.plans.OnChange(func(x Target, before, after *Plan) {
		for _, f := range p.watchers {
			f(x, before, after)
		}
	})
	p.targets.OnChange(p.targetsChanged)
	p.targets.Observe(struct{}{})
	r.EachTeammate(func(name string, present bool) {
		if present {
			p.placements.Observe(name)
		} else {
			p.placements.Unobserve(name)
		}
	})
	return p
}

// OnChange calls f, in Settle, after the plan of a target changed, or only its next transition. A nil plan is none.
func (p *Planner) OnChange(f func(target Target, before, after *Plan)) {
	p.watchers = append(p.watchers, f)
}

// Targets are all objects that have a plan, sorted by kind and name. The slice must not be changed.
func (p *Planner) Targets(t *incr.Task) []Target { return p.targets.Get(t, struct{}{}) }

// Plan returns the plan of a target, nil if it has none. It must not be changed.
func (p *Planner) Plan(t *incr.Task, x Target) *Plan { return p.plans.Get(t, x) }

// NextTransition is the first instant after now at which the plan of a target changes by time alone: windows, blocks and
// the ends of its candidates' absences. It may be an instant at which nothing changes.
func (p *Planner) NextTransition(x Target) (time.Time, bool) { return p.plans.Expiry(x) }

// targetsChanged observes what is new and lets go of what is gone.
func (p *Planner) targetsChanged(_ struct{}, before, after []Target) {
	has := func(list []Target, x Target) bool {
		_, found := slices.BinarySearchFunc(list, x, compareTargets)
		return found
	}
	for _, x := range after {
		if !has(before, x) {
			p.served.Observe(x)
			p.plans.Observe(x)
		}
	}
	for _, x := range before {
		if !has(after, x) {
			p.served.Unobserve(x)
			p.plans.Unobserve(x)
		}
	}
}

func (p *Planner) allTargets(t *incr.Task, _ struct{}) []Target {
	var out []Target
	for _, name := range p.roster.Names(t, roster.KindDepartment) {
		out = append(out, Target{Kind: KindDepartment, Name: name})
	}
	for _, name := range p.roster.Names(t, roster.KindUserGroup) {
		if p.dialable.Get(t, name) {
			out = append(out, Target{Kind: KindUserGroup, Name: name})
		}
	}
	out = append(out, p.queueTargets(t)...)
	slices.SortFunc(out, compareTargets)
	return out
}

// isDialable says whether a group has a plan: it is Enabled, has voice.dialing, and the organization is a contact centre.
func (p *Planner) isDialable(t *incr.Task, group string) bool {
	g := p.roster.UserGroup(t, group)
	return g != nil && g.Spec.State != rollcallv1.SwitchDisabled && dialing(g) != nil && p.settings.Get(t, struct{}{}).contactCenter
}

// live says whether a target exists and has a plan.
func (p *Planner) live(t *incr.Task, x Target) bool {
	switch x.Kind {
	case KindDepartment:
		return p.roster.Department(t, x.Name) != nil
	case KindUserGroup:
		return p.dialable.Get(t, x.Name)
	case KindQueue:
		return p.roster.Exists(t, roster.KindQueue, x.Name) && p.settings.Get(t, struct{}{}).contactCenter
	case KindCampaign:
		return p.roster.Exists(t, roster.KindCampaign, x.Name) && p.settings.Get(t, struct{}{}).contactCenter
	default:
		return false
	}
}

func dialing(g *rollcallv1.UserGroup) *rollcallv1.Dialing {
	if g == nil || g.Spec.Voice == nil {
		return nil
	}
	return g.Spec.Voice.Dialing
}

// settings are the parts of the Organization that plans read beside its policies.
type settings struct {
	contactCenter  bool
	autoAssignment bool
	reassignAfter  *time.Duration
	legs           int32
	legsScope      CapScope
	callerID       string
	audio          *Audio
}

const (
	defaultLegs          = 10
	defaultReassignAfter = 300 * time.Second
)

func (p *Planner) organizationSettings(t *incr.Task, _ struct{}) settings {
	s := settings{contactCenter: true, autoAssignment: true, legs: defaultLegs, legsScope: PerCall}
	o := p.roster.Organization(t)
	if o == nil {
		return s
	}
	voice, chat := o.Spec.Voice, o.Spec.Chat
	s.contactCenter = o.Spec.ContactCenter != rollcallv1.SwitchDisabled
	s.autoAssignment = chat.AutoAssignment != rollcallv1.SwitchDisabled
	if r := chat.Reassignment; r != nil && r.State == rollcallv1.SwitchEnabled {
		after := r.Timeout.Duration
		if after == 0 {
			after = defaultReassignAfter
		}
		s.reassignAfter = &after
	}
	if voice.MaxUnansweredCalls != nil {
		s.legs = *voice.MaxUnansweredCalls
	}
	if voice.UnansweredCallsScope != "" {
		s.legsScope = CapScope(voice.UnansweredCallsScope)
	}
	s.callerID = refName(voice.CallerIDProfileRef)
	s.audio = audioOf(voice.DialingAudio)
	return s
}

func refName(ref *rollcallv1.ObjectRef) string {
	if ref == nil {
		return ""
	}
	return ref.Name
}

func audioOf(a *rollcallv1.AudioSource) *Audio {
	if a == nil {
		return nil
	}
	out := &Audio{Type: string(a.Type), LibraryID: value(a.LibraryID), URL: value(a.URL)}
	if ref := a.ConfigMapKeyRef; ref != nil {
		out.ConfigMapName, out.ConfigMapKey = ref.Name, ref.Key
	}
	return out
}

// compute is the plan of one target.
func (p *Planner) compute(t *incr.Task, x Target) *Plan {
	switch {
	case !p.live(t, x):
		return nil
	case x.Kind == KindDepartment:
		return p.departmentPlan(t, x)
	case x.Kind == KindQueue:
		return p.queuePlan(t, x)
	case x.Kind == KindCampaign:
		return p.campaignPlan(t, x)
	default:
		return p.dialingPlan(t, x)
	}
}

func samePlan(a, b *Plan) bool {
	if a == nil || b == nil {
		return a == b
	}
	if !slices.EqualFunc(a.Candidates, b.Candidates, sameCandidate) || !slices.Equal(a.Excluded, b.Excluded) {
		return false
	}
	x, y := *a, *b
	x.Candidates, x.Excluded, y.Candidates, y.Excluded = nil, nil, nil, nil
	return reflect.DeepEqual(x, y)
}

func sameCandidate(a, b Candidate) bool {
	return a.Name == b.Name && a.Extension == b.Extension && a.Schedule == b.Schedule &&
		samePointer(a.Position, b.Position) && samePointer(a.SkillScore, b.SkillScore) && samePointer(a.MaxChats, b.MaxChats) &&
		sameAbsence(a.Absence, b.Absence) && slices.Equal(a.Groups, b.Groups) && slices.Equal(a.Channels, b.Channels)
}

func samePointer[T comparable](a, b *T) bool {
	return (a == nil) == (b == nil) && (a == nil || *a == *b)
}

// compareTargets orders by kind, then name.
func compareTargets(a, b Target) int {
	if a.Kind != b.Kind {
		return strings.Compare(string(a.Kind), string(b.Kind))
	}
	return strings.Compare(a.Name, b.Name)
}
