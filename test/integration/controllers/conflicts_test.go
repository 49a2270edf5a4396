package controllers_test

import (
	"context"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/rollcall-dev/rollcall/test/integration/cluster"
)

// conflict is something that no layer of admission refuses: it is stored, and a condition says so.
type conflict struct {
	given string
	want  map[string]string // "Kind/name Condition" -> status and reason
}

// conflicts are outcomes of layer 4 of the acceptance scenarios.
var conflicts = map[string]conflict{
	"S-52 base types in a practice group": {given: `
kind: Organization
metadata: {name: default}
spec: {preset: PatientMessaging, practices: [{name: north}]}
---
kind: Teammate
metadata: {name: eve}
spec: {identity: {email: eve@fjordline.example}, accountRoleRef: {name: enterprise}, practices: [{name: north}]}
---
kind: UserGroup
metadata: {name: front}
spec: {scope: Practice, practices: [{name: north}], members: [{name: eve}]}
---
kind: UserGroup
metadata: {name: whole}
spec: {scope: Enterprise, practices: [{name: north}], members: [{name: eve}]}
`, want: map[string]string{
		"UserGroup/front MembersAccepted": "False/BaseTypeNotAllowed",
		"UserGroup/whole MembersAccepted": "True/AsExpected",
	}},
	"S-28 leaders who are none": {given: `
kind: Organization
metadata: {name: default}
---
kind: Teammate
metadata: {name: boss}
spec: {identity: {email: boss@fjordline.example}}
---
kind: Teammate
metadata: {name: ana}
spec: {identity: {email: ana@fjordline.example}, teamLeaderRef: {name: boss}}
---
kind: Teammate
metadata: {name: x1}
spec: {identity: {email: x1@fjordline.example}, canManageTeams: true, teamLeaderRef: {name: x2}}
---
kind: Teammate
metadata: {name: x2}
spec: {identity: {email: x2@fjordline.example}, canManageTeams: true, teamLeaderRef: {name: x1}}
`, want: map[string]string{
		"Teammate/ana TeamLeaderResolved": "False/NotALeader",
		"Teammate/x1 TeamLeaderResolved":  "False/LeaderCycle",
		"Teammate/x2 TeamLeaderResolved":  "False/LeaderCycle",
	}},
	"S-31, S-57, S-105 supervisors, circles and selectors": {given: `
kind: Organization
metadata: {name: default}
---
kind: Teammate
metadata: {name: ana}
spec: {identity: {email: ana@fjordline.example}}
---
kind: UserGroup
metadata: {name: watched}
spec: {supervisors: [{name: ana}]}
---
kind: UserGroup
metadata: {name: g1}
spec: {includes: [{name: g2}]}
---
kind: UserGroup
metadata: {name: g2}
spec: {includes: [{name: g1}]}
---
kind: UserGroup
metadata: {name: odd}
spec: {members: [{name: ana}], memberSelector: {matchExpressions: [{key: team, operator: Resembles, values: [a]}]}}
`, want: map[string]string{
		"UserGroup/watched SupervisorsAccepted": "False/NotASupervisor",
		"UserGroup/g1 IncludesAcyclic":          "False/IncludeCycle",
		"UserGroup/g2 IncludesAcyclic":          "False/IncludeCycle",
		"UserGroup/odd ReferencesResolved":      "False/InvalidSelector",
		"UserGroup/odd MembersAccepted":         "True/AsExpected",
	}},
	"S-85, S-86 keys that somebody has": {given: `
kind: Organization
metadata: {name: default}
---
kind: Teammate
metadata: {name: ana}
spec: {identity: {email: same@fjordline.example}}
---
kind: Teammate
metadata: {name: bob}
spec: {identity: {email: SAME@fjordline.example}}
---
kind: Teammate
metadata: {name: cid}
spec: {identity: {email: cid@fjordline.example}, extension: "201"}
---
kind: Teammate
metadata: {name: dan}
spec: {identity: {email: dan@fjordline.example}, extension: "201"}
`, want: map[string]string{
		"Teammate/ana KeysUnique": "True/AsExpected",
		"Teammate/bob KeysUnique": "False/DuplicateKey",
		"Teammate/cid KeysUnique": "True/AsExpected",
		"Teammate/dan KeysUnique": "False/DuplicateKey",
	}},
	"S-97 roles that the preset does not have": {given: `
kind: Organization
metadata: {name: default}
spec: {preset: ChatDesk}
---
kind: AccountRole
metadata: {name: agent}
spec: {baseType: Agent, permissions: ["*"]}
---
kind: Teammate
metadata: {name: sue}
spec: {identity: {email: sue@fjordline.example}, accountRoleRef: {name: supervisor}}
`, want: map[string]string{
		"AccountRole/agent PolicyCompliant": "False/CustomRoleNotAllowed",
		"Teammate/sue RoleAllowed":          "False/BaseTypeNotAllowed",
	}},
	"S-13 a disabled group": {given: called + `---
kind: UserGroup
metadata: {name: closed}
spec: {state: Disabled, members: [{name: ana}]}
---
kind: Mention
metadata: {name: alone}
spec: {conversation: {externalID: c}, groups: [{name: closed}], source: {type: Manual, username: max}}
---
kind: Mention
metadata: {name: both}
spec: {conversation: {externalID: c}, groups: [{name: closed}, {name: desk}], source: {type: Manual, username: max}}
---
kind: InboundAutomation
metadata: {name: refunds}
spec: {keywords: [refund], actions: [{type: Mention, mention: {groups: [{name: desk}]}}]}
`, want: map[string]string{
		"UserGroup/closed Mentionable":    "False/Disabled",
		"Mention/alone Delivered":         "False/AllTargetsRejected",
		"Mention/both Delivered":          "True/AsExpected",
		"InboundAutomation/refunds Ready": "True/AsExpected",
	}},
}

var _ = Describe("What admission lets through", func() {
	for name, c := range conflicts {
		It("is reported: "+name, func(ctx context.Context) {
			ns := namespace(ctx)
			start(cluster.ClockAt(opening))
			create(ctx, ns, c.given)
			for what, want := range c.want {
				object, reported, _ := strings.Cut(what, " ")
				kind, name, _ := strings.Cut(object, "/")
				Eventually(condition(ctx, kind, ns, name, reported)).Should(Equal(want), what)
			}
		})
	}
})
