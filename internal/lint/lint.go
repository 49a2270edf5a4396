// Package lint says what is to be said about each input object: its status with every condition of API.md section 7,
// across objects. Controllers write it, `validate` prints what is not as it should be. It reads the other pure packages
// and is recomputed with them.
package lint

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/access"
	"github.com/rollcall-dev/rollcall/internal/canonical"
	"github.com/rollcall-dev/rollcall/internal/incr"
	"github.com/rollcall-dev/rollcall/internal/lifecycle"
	"github.com/rollcall-dev/rollcall/internal/mention"
	"github.com/rollcall-dev/rollcall/internal/roster"
	"github.com/rollcall-dev/rollcall/internal/routing"
)

// Object names an input object.
type Object struct{ Kind, Name string }

func (o Object) String() string { return o.Kind + "/" + o.Name }

// ObjectOf names an input object by its Go type; Kind is empty for other types.
func ObjectOf(o metav1.Object) Object {
	out := Object{Name: o.GetName()}
	switch o.(type) {
	case *rollcallv1.Organization:
		out.Kind = roster.KindOrganization
	case *rollcallv1.Schedule:
		out.Kind = roster.KindSchedule
	case *rollcallv1.AccountRole:
		out.Kind = roster.KindAccountRole
	case *rollcallv1.ProfileRole:
		out.Kind = roster.KindProfileRole
	case *rollcallv1.Profile:
		out.Kind = roster.KindProfile
	case *rollcallv1.Teammate:
		out.Kind = roster.KindTeammate
	case *rollcallv1.UserGroup:
		out.Kind = roster.KindUserGroup
	case *rollcallv1.Department:
		out.Kind = roster.KindDepartment
	case *rollcallv1.Queue:
		out.Kind = roster.KindQueue
	case *rollcallv1.Campaign:
		out.Kind = roster.KindCampaign
	case *rollcallv1.Mention:
		out.Kind = roster.KindMention
	case *rollcallv1.InboundAutomation:
		out.Kind = roster.KindInboundAutomation
	case *rollcallv1.Downstream:
		out.Kind = roster.KindDownstream
	}
	return out
}

// Lint answers for one organization. Statuses it returns have conditions without times and without observedGeneration,
// which belong to whoever writes them; Organization.status.counts is left out.
type Lint struct {
	roster    *roster.Roster
	lifecycle *lifecycle.Lifecycle
	access    *access.Access
	routing   *routing.Planner
	mentions  *mention.Mentions
	digests   *incr.Query[Object, uint64]

	writer canonical.Writer // memory of the computation in progress
}

// New returns the lint of one organization.
func New(r *roster.Roster, l *lifecycle.Lifecycle, a *access.Access, p *routing.Planner, m *mention.Mentions) *Lint {
	out := &Lint{roster: r, lifecycle: l, access: a, routing: p, mentions: m}
	out.digests = incr.NewQuery(r.Graph, "status", func(a, b uint64) bool { return a == b }, func(t *incr.Task, o Object) uint64 {
		return digest(out.status(t, o))
	})
	return out
}

// Digests is the query whose values change with the status of objects; the engine observes it.
func (l *Lint) Digests() *incr.Query[Object, uint64] { return l.digests }

// digest sums up a status. Conditions are most of it, and the same few strings over and over: they are summed without being
// written as JSON first.
func digest(status any) uint64 {
	conditions, rest := apart(status)
	b, err := json.Marshal(rest)
	if err != nil {
		panic(err) // API types always marshal
	}
	h := fnv.New64a()
	_, _ = h.Write(b)
	for i := range conditions {
		c := &conditions[i]
		b = b[:0]
		for _, s := range []string{c.Type, string(c.Status), c.Reason, c.Message} {
			b = append(append(b, s...), 0)
		}
		_, _ = h.Write(b)
	}
	return h.Sum64()
}

// apart takes the conditions out of a status.
func apart(status any) (conditions []metav1.Condition, rest any) {
	switch s := status.(type) {
	case rollcallv1.OrganizationStatus:
		conditions, s.Conditions = s.Conditions, nil
		return conditions, s
	case rollcallv1.ScheduleStatus:
		conditions, s.Conditions = s.Conditions, nil
		return conditions, s
	case rollcallv1.AccountRoleStatus:
		conditions, s.Conditions = s.Conditions, nil
		return conditions, s
	case rollcallv1.ProfileRoleStatus:
		conditions, s.Conditions = s.Conditions, nil
		return conditions, s
	case rollcallv1.ProfileStatus:
		conditions, s.Conditions = s.Conditions, nil
		return conditions, s
	case rollcallv1.TeammateStatus:
		conditions, s.Conditions = s.Conditions, nil
		return conditions, s
	case rollcallv1.UserGroupStatus:
		conditions, s.Conditions = s.Conditions, nil
		return conditions, s
	case rollcallv1.DepartmentStatus:
		conditions, s.Conditions = s.Conditions, nil
		return conditions, s
	case rollcallv1.QueueStatus:
		conditions, s.Conditions = s.Conditions, nil
		return conditions, s
	case rollcallv1.CampaignStatus:
		conditions, s.Conditions = s.Conditions, nil
		return conditions, s
	case rollcallv1.MentionStatus:
		conditions, s.Conditions = s.Conditions, nil
		return conditions, s
	case rollcallv1.InboundAutomationStatus:
		conditions, s.Conditions = s.Conditions, nil
		return conditions, s
	}
	return nil, status
}

func (l *Lint) status(t *incr.Task, o Object) any {
	switch o.Kind {
	case roster.KindOrganization:
		return l.organization(t)
	case roster.KindSchedule:
		return l.schedule(t, o.Name)
	case roster.KindAccountRole:
		return l.accountRole(t, o.Name)
	case roster.KindProfileRole:
		return l.profileRole(t, o.Name)
	case roster.KindProfile:
		return l.profile(t, o.Name)
	case roster.KindTeammate:
		return l.teammate(t, o.Name)
	case roster.KindUserGroup:
		return l.userGroup(t, o.Name)
	case roster.KindDepartment:
		return l.department(t, o.Name)
	case roster.KindQueue:
		return l.queue(t, o.Name)
	case roster.KindCampaign:
		return l.campaign(t, o.Name)
	case roster.KindMention:
		return l.mention(t, o.Name)
	case roster.KindInboundAutomation:
		return l.inboundAutomation(t, o.Name)
	}
	return nil
}

func (l *Lint) peek() *incr.Task { return l.roster.Graph.Peek() }

// Organization returns the status of the object named default; likewise the other kinds by name. An object that does not
// exist has the zero status.
func (l *Lint) Organization() rollcallv1.OrganizationStatus { return l.organization(l.peek()) }

func (l *Lint) Schedule(name string) rollcallv1.ScheduleStatus {
	return l.schedule(l.peek(), name)
}

func (l *Lint) AccountRole(name string) rollcallv1.AccountRoleStatus {
	return l.accountRole(l.peek(), name)
}

func (l *Lint) ProfileRole(name string) rollcallv1.ProfileRoleStatus {
	return l.profileRole(l.peek(), name)
}

func (l *Lint) Profile(name string) rollcallv1.ProfileStatus { return l.profile(l.peek(), name) }

func (l *Lint) Teammate(name string) rollcallv1.TeammateStatus {
	return l.teammate(l.peek(), name)
}

func (l *Lint) UserGroup(name string) rollcallv1.UserGroupStatus {
	return l.userGroup(l.peek(), name)
}

func (l *Lint) Department(name string) rollcallv1.DepartmentStatus {
	return l.department(l.peek(), name)
}

func (l *Lint) Queue(name string) rollcallv1.QueueStatus { return l.queue(l.peek(), name) }

func (l *Lint) Campaign(name string) rollcallv1.CampaignStatus { return l.campaign(l.peek(), name) }

func (l *Lint) Mention(name string) rollcallv1.MentionStatus { return l.mention(l.peek(), name) }

// Conditions returns the conditions of any input object, in the order of API.md.
func (l *Lint) Conditions(o Object) []metav1.Condition {
	conditions, _ := apart(l.status(l.peek(), o))
	return conditions
}

// ReasonAsExpected is the reason of conditions that are as they should be.
const ReasonAsExpected = "AsExpected"

// conditions collects the conditions of one object; Ready comes first.
type conditions struct {
	ready metav1.Condition
	list  []metav1.Condition // the first is for Ready
}

// usual is how many conditions the statuses with the most of them have.
const usual = 10

func (c *conditions) add(one metav1.Condition) {
	if c.list == nil {
		c.list = make([]metav1.Condition, 1, usual)
	}
	c.list = append(c.list, one)
}

func condition(kind string, status metav1.ConditionStatus, reason, message string) metav1.Condition {
	return metav1.Condition{Type: kind, Status: status, Reason: reason, Message: message}
}

// problem is why a condition is False; the zero value is none.
type problem struct{ reason, message string }

func problemf(reason, format string, args ...any) problem {
	return problem{reason, fmt.Sprintf(format, args...)}
}

// judge adds a condition that is True without a problem.
func (c *conditions) judge(kind string, p problem) {
	if p.reason == "" {
		c.add(condition(kind, metav1.ConditionTrue, ReasonAsExpected, ""))
		return
	}
	c.add(condition(kind, metav1.ConditionFalse, p.reason, p.message))
}

// blocked makes the object not Ready; the first call counts.
func (c *conditions) blocked(p problem) {
	if c.ready.Type == "" && p.reason != "" {
		c.ready = condition(rollcallv1.ConditionReady, metav1.ConditionFalse, p.reason, p.message)
	}
}

// all returns the conditions, with Stalled where Ready is False: nothing changes until somebody edits something.
func (c *conditions) all() []metav1.Condition {
	if c.ready.Type == "" {
		c.ready = condition(rollcallv1.ConditionReady, metav1.ConditionTrue, ReasonAsExpected, "")
	}
	if c.ready.Status == metav1.ConditionFalse {
		c.add(condition(rollcallv1.ConditionStalled, metav1.ConditionTrue, c.ready.Reason, c.ready.Message))
	}
	if c.list == nil {
		return []metav1.Condition{c.ready}
	}
	c.list[0] = c.ready
	return c.list
}

// references collects what an object refers to and does not find.
type references struct {
	unresolved []string
	problem    problem // WrongType or InvalidSelector, after unresolved ones
}

const maxNamed = 10

// need records a reference of a field that must resolve.
func (r *references) need(found bool, field, kind, name string) {
	if !found {
		r.unresolved = append(r.unresolved, fmt.Sprintf("%s names %s %q, which does not exist", field, kind, name))
	}
}

func (r *references) wrong(p problem) {
	if r.problem.reason == "" {
		r.problem = p
	}
}

// verdict is the problem of ReferencesResolved: the first ten dangling references, else what else is wrong.
func (r *references) verdict() problem {
	if n := len(r.unresolved); n > 0 {
		named := r.unresolved[:min(n, maxNamed)]
		message := strings.Join(named, "; ")
		if n > maxNamed {
			message += fmt.Sprintf("; and %d more", n-maxNamed)
		}
		return problem{rollcallv1.ReasonUnresolvedReference, message + ". It counts as absent until the object appears"}
	}
	return r.problem
}

// duplicateKeys is the problem of KeysUnique.
func duplicateKeys(lost []roster.Lost) problem {
	if len(lost) == 0 {
		return problem{}
	}
	var parts []string
	for _, k := range lost {
		parts = append(parts, fmt.Sprintf("%s is held by %s", maskKey(k.Key), k.Holder))
	}
	return problem{rollcallv1.ReasonDuplicateKey, strings.Join(parts, "; ")}
}

// maskKey shortens e-mail addresses: conditions are read by many.
func maskKey(key string) string {
	at := strings.LastIndexByte(key, '@')
	eq := strings.IndexByte(key, '=')
	if at < 0 || eq < 0 || at <= eq {
		return key
	}
	return key[:eq+2] + "…" + key[at:]
}

func listed(names []string) string {
	if len(names) > maxNamed {
		return strings.Join(names[:maxNamed], ", ") + fmt.Sprintf(" and %d more", len(names)-maxNamed)
	}
	return strings.Join(names, ", ")
}
