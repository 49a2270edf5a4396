package orggen

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

func (g generator) queue(name string, old *rollcallv1.Queue) *rollcallv1.Queue {
	q := &rollcallv1.Queue{}
	q.ObjectMeta = g.meta("Queue", name, object(old))
	selections := []rollcallv1.QueueSelection{"LongestIdle", "MostQualified", "LeastQualified"}
	q.Spec = rollcallv1.QueueSpec{
		Channels: pick(g, [][]rollcallv1.QueueChannel{{"Voice", "Messaging"}, {"Voice"}, {"Messaging"}}, "channels"), Priority: new(int32(50)),
		Groups: g.refs(groups, 3, "groups"), Supervisors: g.refs(teammates, 2, "supervisors"), Profiles: g.refs(profiles, 2, "profiles"), ProfileSelector: g.profileSelector(20),
		ScheduleRef: g.ref(30, schedules, "schedule"), Overflow: g.groupOverflow(), OutOfHours: g.groupOverflow(),
		Routing: rollcallv1.QueueRouting{
			VoiceSelection: pick(g, selections, "voice"), MessagingSelection: pick(g, selections, "messaging"),
			TaskSelection: "LongestWaiting", HoldWithoutAgents: "Enabled", MaxRingTime: &metav1.Duration{Duration: 20 * time.Second},
		},
	}
	for _, skill := range some(g, append([]string{"unlisted"}, skills...), 2, "required") {
		q.Spec.Routing.RequiredSkills = append(q.Spec.Routing.RequiredSkills, rollcallv1.RequiredSkill{Name: skill, MinLevel: maybe(g, 60, []int32{1, 2, 4}, "min level")})
	}
	return q
}

func (g generator) campaign(name string, old *rollcallv1.Campaign) *rollcallv1.Campaign {
	c := &rollcallv1.Campaign{}
	c.ObjectMeta = g.meta("Campaign", name, object(old))
	c.Spec = rollcallv1.CampaignSpec{
		Mode:             pick(g, []rollcallv1.CampaignMode{"Predictive", "Progressive"}, "mode"),
		State:            pick(g, []rollcallv1.CampaignState{"Active", "Active", "Draft", "Paused", "Stopped"}, "state"),
		CallerIDProfiles: g.refs(profiles, 2, "caller ids"), Supervisors: g.refs(teammates, 2, "supervisors"), ScheduleRef: g.ref(30, schedules, "schedule"),
	}
	if old != nil && old.Spec.State == rollcallv1.CampaignStateActive { // CEL-19
		c.Spec.Mode = old.Spec.Mode
	}
	return c
}
