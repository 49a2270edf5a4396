package controllers_test

import (
	"context"
	"encoding/json"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/test/integration/cluster"
)

func get[T any, P interface {
	*T
	client.Object
}](ctx context.Context, namespace, name string) func() (P, error) {
	return cluster.Get[T, P](ctx, kube, namespace, name)
}

// permissions returns what a teammate may do on a profile; empty without an EffectiveAccess.
func permissions(ctx context.Context, namespace, teammate, profile string) func() []string {
	return func() []string {
		ea, err := access(ctx, namespace, teammate)()
		if err != nil {
			return nil
		}
		for _, g := range ea.Status.Grants {
			if slices.Contains(g.Profiles, profile) {
				return g.Permissions
			}
		}
		return nil
	}
}

// outputs returns every output of a namespace without what changes with each write: a picture to compare.
func outputs(ctx context.Context, namespace string) map[string]string {
	GinkgoHelper()
	out := map[string]string{}
	var accesses rollcallv1.EffectiveAccessList
	Expect(kube.List(ctx, &accesses, client.InNamespace(namespace))).To(Succeed())
	for _, o := range accesses.Items {
		forgetTimes(o.Status.Conditions)
		b, err := json.Marshal(o.Status)
		Expect(err).NotTo(HaveOccurred())
		out["EffectiveAccess/"+o.Name] = string(b)
	}
	var plans rollcallv1.RoutePlanList
	Expect(kube.List(ctx, &plans, client.InNamespace(namespace))).To(Succeed())
	for _, o := range plans.Items {
		forgetTimes(o.Status.Conditions)
		b, err := json.Marshal(o.Status)
		Expect(err).NotTo(HaveOccurred())
		out["RoutePlan/"+o.Name] = string(b)
	}
	return out
}

func forgetTimes(conditions []metav1.Condition) {
	for i := range conditions {
		conditions[i].LastTransitionTime = metav1.Time{}
	}
}

// shortest is the shortest organization of API.md.
const shortest = `
kind: Organization
metadata: {name: default}
---
kind: Teammate
metadata: {name: ana}
spec: {identity: {email: ana@fjordline.example}}
---
kind: Teammate
metadata: {name: max}
spec: {identity: {email: max@fjordline.example}}
---
kind: Profile
metadata: {name: ig-quebec}
spec: {type: Social, platform: Instagram}
---
kind: UserGroup
metadata: {name: quebecois}
spec:
  members: [{name: ana}, {name: max}]
  profiles: [{name: ig-quebec}]
  permissionSet: {profileRoleRef: {name: create-publish}}
`

// desks is a small organization with an object of every kind: a department with hours, a dialing group, own roles.
const desks = shortest + `
---
kind: Schedule
metadata: {name: office}
spec: {timeZone: Etc/UTC, mode: Weekly, weekly: [{days: [Monday, Tuesday, Wednesday, Thursday, Friday], open: "09:00", close: "17:00"}]}
---
kind: AccountRole
metadata: {name: senior}
spec: {baseType: Agent, permissions: [conversations.handle, conversations.view]}
---
kind: ProfileRole
metadata: {name: replier}
spec: {permissions: [care.reply]}
---
kind: Teammate
metadata: {name: eva, labels: {language: fr}}
spec: {identity: {email: eva@fjordline.example}, accountRoleRef: {name: senior}}
---
kind: Profile
metadata: {name: chat}
spec: {type: Chat}
---
kind: UserGroup
metadata: {name: french}
spec:
  memberSelector: {matchLabels: {language: fr}}
  profiles: [{name: chat}]
  permissionSet: {profileRoleRef: {name: replier}}
---
kind: UserGroup
metadata: {name: phones}
spec:
  members: [{name: ana, position: 1}, {name: eva, position: 2}]
  voice: {dialing: {strategy: Sequential, maxRingTime: 15s, maxGroupDialingTime: 60s}}
---
kind: Department
metadata: {name: care}
spec: {groups: [{name: french}], profiles: [{name: chat}], scheduleRef: {name: office}}
`

// everyObject are the inputs of desks.
var everyObject = []struct{ kind, name string }{
	{"Organization", "default"}, {"Schedule", "office"}, {"AccountRole", "senior"}, {"ProfileRole", "replier"},
	{"Teammate", "ana"}, {"Teammate", "max"}, {"Teammate", "eva"}, {"Profile", "ig-quebec"}, {"Profile", "chat"},
	{"UserGroup", "quebecois"}, {"UserGroup", "french"}, {"UserGroup", "phones"}, {"Department", "care"},
}
