package manifest

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// Kinds that are no input of the organization but stand in snapshots and in dumps of a cluster.
const (
	KindLedger          = "Ledger"
	KindEffectiveAccess = "EffectiveAccess"
	KindRoutePlan       = "RoutePlan"
)

// kind is what is known of one kind.
type kind struct {
	plural string
	make   func() metav1.Object
	// output kinds are made by the operator and checked by nobody: they are read as they are.
	output bool
	// state kinds carry state in their status: it is read as it is, and written by a snapshot.
	state bool
}

var kinds = map[string]kind{
	roster.KindOrganization:      {plural: "organizations", make: func() metav1.Object { return &rollcallv1.Organization{} }},
	roster.KindSchedule:          {plural: "schedules", make: func() metav1.Object { return &rollcallv1.Schedule{} }},
	roster.KindAccountRole:       {plural: "accountroles", make: func() metav1.Object { return &rollcallv1.AccountRole{} }},
	roster.KindProfileRole:       {plural: "profileroles", make: func() metav1.Object { return &rollcallv1.ProfileRole{} }},
	roster.KindProfile:           {plural: "profiles", make: func() metav1.Object { return &rollcallv1.Profile{} }},
	roster.KindTeammate:          {plural: "teammates", make: func() metav1.Object { return &rollcallv1.Teammate{} }},
	roster.KindUserGroup:         {plural: "usergroups", make: func() metav1.Object { return &rollcallv1.UserGroup{} }},
	roster.KindDepartment:        {plural: "departments", make: func() metav1.Object { return &rollcallv1.Department{} }},
	roster.KindQueue:             {plural: "queues", make: func() metav1.Object { return &rollcallv1.Queue{} }},
	roster.KindCampaign:          {plural: "campaigns", make: func() metav1.Object { return &rollcallv1.Campaign{} }},
	roster.KindMention:           {plural: "mentions", make: func() metav1.Object { return &rollcallv1.Mention{} }, state: true},
	roster.KindDownstream:        {plural: "downstreams", make: func() metav1.Object { return &rollcallv1.Downstream{} }},
	roster.KindInboundAutomation: {plural: "inboundautomations", make: func() metav1.Object { return &rollcallv1.InboundAutomation{} }},
	KindLedger:                   {plural: "ledgers", make: func() metav1.Object { return &rollcallv1.Ledger{} }},
	KindEffectiveAccess:          {plural: "effectiveaccesses", make: func() metav1.Object { return &rollcallv1.EffectiveAccess{} }, output: true},
	KindRoutePlan:                {plural: "routeplans", make: func() metav1.Object { return &rollcallv1.RoutePlan{} }, output: true},
}

// Known says whether a kind of our group exists. An API server would take no object of another one, so it is an error to have one.
func Known(kind string) bool {
	_, ok := kinds[kind]
	return ok
}

// KindByName resolves a kind written as people write it: in any case, singular or plural ("usergroup", "UserGroups").
func KindByName(name string) (string, bool) {
	for k, v := range kinds {
		if slices.ContainsFunc([]string{k, v.plural}, func(s string) bool { return equalFold(s, name) }) {
			return k, true
		}
	}
	return "", false
}
