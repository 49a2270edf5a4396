package api_test

import (
	"context"
	"fmt"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// smallest holds the least spec that each input kind admits.
var smallest = map[string]string{
	"Organization":      ``,
	"AccountRole":       `{baseType: Agent}`,
	"ProfileRole":       ``,
	"Profile":           `{type: Chat}`,
	"Teammate":          `{identity: {employeeID: "1"}}`,
	"UserGroup":         ``,
	"Department":        ``,
	"Queue":             ``,
	"Campaign":          `{mode: Progressive}`,
	"Schedule":          ``,
	"Downstream":        `{driver: KubernetesRBAC, kubernetesRBAC: {}, records: [Access]}`,
	"Mention":           `{teammates: [{name: ana}], message: hello}`,
	"InboundAutomation": `{keywords: [refund], actions: [{type: CloseConversation}]}`,
}

// person is the spec of a Teammate with more in it.
func person(more string) string {
	return `{identity: {email: ana@fjordline.example}, ` + more + `}`
}

// window is one that ends after it begins.
const window = `from: "2027-01-01T00:00:00Z", until: "2027-12-31T23:59:59Z"`

// dialing is the spec of a UserGroup that can be dialled.
func dialing(content string) string {
	return `{voice: {dialing: {` + content + `}}}`
}

// mention is the spec of a Mention of one person on a conversation, with more in it.
func mention(more string) string {
	return `{conversation: {externalID: conv-1}, teammates: [{name: ana}], ` + more + `}`
}

// automation is the spec of an InboundAutomation with these actions.
func automation(actions string) string {
	return `{keywords: [refund], actions: [` + actions + `]}`
}

// downstream is the spec of a Downstream with a Secret, and with more in it.
func downstream(more string) string {
	return `{credentialsSecretRef: {name: secret}, ` + more + `}`
}

// drivers hold, by driver, the struct that it takes, filled as little as it may be, and the records it takes.
var drivers = map[string]struct {
	field, content string
	records        []string
}{
	"KubernetesRBAC": {"kubernetesRBAC", `{}`, []string{"Access"}},
	"SCIM":           {"scim", `{url: "https://scim.example/v2"}`, []string{"Users", "Groups"}},
	"OpenFGA":        {"openFGA", `{url: "https://fga.example", storeID: s}`, []string{"Groups", "Access"}},
	"PostgreSQL":     {"postgreSQL", `{}`, records},
	"LDAP":           {"ldap", `{url: "ldaps://dir.example", baseDN: "dc=fjordline,dc=example"}`, []string{"Users", "Groups"}},
	"HTTP":           {"http", `{url: "https://hooks.example"}`, records},
	"SMTP":           {"smtp", `{host: mail.example, from: desk@fjordline.example}`, []string{"Users", "Mentions"}},
	"Tiledesk":       {"tiledesk", `{url: "https://desk.example", projectID: p}`, []string{"Users", "Groups", "Routes"}},
}

// records are all kinds of records.
var records = []string{"Users", "Groups", "Access", "Routes", "Mentions"}

// repeat prints a YAML list of n entries, each made by format from its number.
func repeat(n int, format string) string {
	entries := make([]string, n)
	for i := range entries {
		entries[i] = fmt.Sprintf(format, i)
	}
	return "[" + strings.Join(entries, ", ") + "]"
}

var _ = Describe("Layer 1", func() {
	DescribeTable("needs no more than the smallest spec", func(ctx context.Context, kind string) {
		Expect(tryCreate(ctx, object(kind, "smallest", smallest[kind]))).To(Succeed())
	},
		Entry(nil, "Organization"), Entry(nil, "AccountRole"), Entry(nil, "ProfileRole"), Entry(nil, "Profile"),
		Entry(nil, "Teammate"), Entry(nil, "UserGroup"), Entry(nil, "Department"), Entry(nil, "Schedule"), Entry(nil, "Queue"), Entry(nil, "Campaign"),
		Entry(nil, "Downstream"), Entry(nil, "Mention"), Entry(nil, "InboundAutomation"),
	)

	DescribeTable("CEL-1 bounds names", func(ctx context.Context, kind string) {
		expectAnswer(tryCreate(ctx, object(kind, strings.Repeat("n", 63), smallest[kind])), "")
		expectAnswer(tryCreate(ctx, object(kind, strings.Repeat("n", 64), smallest[kind])), "63 characters")
	},
		Entry(nil, "AccountRole"), Entry(nil, "ProfileRole"), Entry(nil, "Profile"), Entry(nil, "Teammate"),
		Entry(nil, "UserGroup"), Entry(nil, "Department"), Entry(nil, "Schedule"), Entry(nil, "EffectiveAccess"), Entry(nil, "Queue"), Entry(nil, "Campaign"),
		Entry(nil, "Downstream"), Entry(nil, "Mention"), Entry(nil, "InboundAutomation"),
	)

	It("leaves names of RoutePlan and Ledger their prefix", func(ctx context.Context) {
		name := "usergroup-" + strings.Repeat("n", 63)
		Expect(tryCreate(ctx, object("RoutePlan", name, ""))).To(Succeed())
		ledger := object("Ledger", "stamp-"+name+"-0", "")
		ledger.Object["record"], ledger.Object["shard"] = "Stamp", int64(0)
		Expect(tryCreate(ctx, ledger)).To(Succeed())
	})

	It("CEL-2 admits one name for an Organization", func(ctx context.Context) {
		misnamed := object("Organization", "", "")
		misnamed.SetName("main")
		expectAnswer(tryCreate(ctx, misnamed), "name the Organization default")
	})

	DescribeTable("creation", func(ctx context.Context, kind, spec, want string) {
		expectAnswer(tryCreate(ctx, object(kind, "self", spec)), want)
	},
		Entry("CEL-3: an e-mail identifies", "Teammate", `{identity: {email: ana@fjordline.example}}`, ""),
		Entry("CEL-3: an employee ID identifies", "Teammate", `{identity: {employeeID: "17"}}`, ""),
		Entry("CEL-3: a directory ID identifies", "Teammate", `{identity: {directoryID: x}}`, ""),
		Entry("CEL-3: a username alone does not", "Teammate", `{identity: {username: ana}}`, "set at least one of"),
		Entry("CEL-3: nothing does not", "Teammate", `{identity: {}}`, "set at least one of"),

		Entry("CEL-4: the invited have an e-mail", "Teammate", person(`onboarding: {method: Invite}`), ""),
		Entry("CEL-4: the created need none", "Teammate", `{identity: {employeeID: "1"}, onboarding: {method: Create}}`, ""),
		Entry("CEL-4: those of a directory need none", "Teammate", `{identity: {directoryID: x}, onboarding: {method: Directory}}`, ""),
		Entry("CEL-4: the invited need one", "Teammate", `{identity: {employeeID: "1"}, onboarding: {method: Invite}}`, "set identity.email"),
		Entry("CEL-4: the imported need one", "Teammate", `{identity: {employeeID: "1"}, onboarding: {method: Import}}`, "set identity.email"),

		Entry("CEL-5: one may report to another", "Teammate", person(`teamLeaderRef: {name: eva}`), ""),
		Entry("CEL-5: nobody reports to themselves", "Teammate", person(`teamLeaderRef: {name: self}`), "name another Teammate"),

		Entry("CEL-6: none has neither", "Teammate", person(`assignment: {type: None}`), ""),
		Entry("CEL-6: queues", "Teammate", person(`assignment: {type: Queues, queues: [{name: orders}]}`), ""),
		Entry("CEL-6: a campaign", "Teammate", person(`assignment: {type: Campaign, campaignRef: {name: winter}}`), ""),
		Entry("CEL-6: none with an empty list", "Teammate", person(`assignment: {type: None, queues: []}`), ""),
		Entry("CEL-6: queues without any", "Teammate", person(`assignment: {type: Queues}`), "set queues with type Queues only"),
		Entry("CEL-6: queues with an empty list", "Teammate", person(`assignment: {type: Queues, queues: []}`), "set queues with type Queues only"),
		Entry("CEL-6: none with queues", "Teammate", person(`assignment: {type: None, queues: [{name: orders}]}`), "neither with None"),
		Entry("CEL-6: a campaign without one", "Teammate", person(`assignment: {type: Campaign}`), "campaignRef with type Campaign only"),
		Entry("CEL-6: queues and a campaign", "Teammate", person(`assignment: {type: Queues, queues: [{name: orders}], campaignRef: {name: winter}}`), "campaignRef with type Campaign only"),

		Entry("CEL-7: active", "Teammate", person(`lifecycle: {state: Active}`), ""),
		Entry("CEL-7: archived", "Teammate", person(`lifecycle: {state: Archived, reason: left}`), ""),
		Entry("CEL-7: blocked for a time", "Teammate", person(`lifecycle: {state: Blocked, blockedFrom: "2027-01-01T00:00:00Z", blockedUntil: "2027-01-02T00:00:00Z"}`), ""),
		Entry("CEL-7: blocked without end", "Teammate", person(`lifecycle: {state: Blocked, blockedFrom: "2027-01-01T00:00:00Z"}`), "blockedUntil with state Blocked"),
		Entry("CEL-7: blocked without beginning", "Teammate", person(`lifecycle: {state: Blocked, blockedUntil: "2027-01-01T00:00:00Z"}`), "blockedUntil with state Blocked"),
		Entry("CEL-7: blocked for no time", "Teammate", person(`lifecycle: {state: Blocked, blockedFrom: "2027-01-01T00:00:00Z", blockedUntil: "2027-01-01T00:00:00Z"}`), "later blockedUntil"),
		Entry("CEL-7: times are compared, not texts", "Teammate", person(`lifecycle: {state: Blocked, blockedFrom: "2027-01-01T12:00:00+02:00", blockedUntil: "2027-01-01T11:00:00Z"}`), ""),
		Entry("CEL-7: archived with the window of a block", "Teammate", person(`lifecycle: {state: Archived, blockedFrom: "2027-01-01T00:00:00Z", blockedUntil: "2027-01-02T00:00:00Z"}`), "neither with another state"),
		Entry("CEL-7: active with the end of a block", "Teammate", person(`lifecycle: {state: Active, blockedUntil: "2027-01-02T00:00:00Z"}`), "neither with another state"),

		Entry("CEL-8: one practice", "UserGroup", `{scope: Practice, practices: [{name: north}]}`, ""),
		Entry("CEL-8: no practice", "UserGroup", `{scope: Practice}`, "exactly one practice"),
		Entry("CEL-8: two practices", "UserGroup", `{scope: Practice, practices: [{name: north}, {name: south}]}`, "exactly one practice"),
		Entry("CEL-8: an enterprise with practices", "UserGroup", `{scope: Enterprise, practices: [{name: north}, {name: south}]}`, ""),
		Entry("CEL-8: an enterprise without", "UserGroup", `{scope: Enterprise}`, ""),
		Entry("CEL-8: the organization without", "UserGroup", `{scope: Organization, practices: []}`, ""),
		Entry("CEL-8: the organization with one", "UserGroup", `{practices: [{name: north}]}`, "scope Organization none"),

		Entry("CEL-9: sequential with a whole time", "UserGroup", dialing(`strategy: Sequential, maxRingTime: 15s, maxGroupDialingTime: 60s`), ""),
		Entry("S-37, CEL-9: random with", "UserGroup", dialing(`strategy: Random, maxRingTime: 15s, maxGroupDialingTime: 60s`), "maxGroupDialingTime goes with strategy Sequential only"),
		Entry("S-37, CEL-9: sequential without", "UserGroup", dialing(`strategy: Sequential, maxRingTime: 15s`), "maxGroupDialingTime goes with strategy Sequential only"),
		Entry("CEL-9: random without", "UserGroup", dialing(`strategy: Random, maxRingTime: 15s`), ""),
		Entry("CEL-9: simultaneous with", "UserGroup", dialing(`strategy: Simultaneous, maxRingTime: 15s, maxGroupDialingTime: 60s`), "maxGroupDialingTime goes with strategy Sequential only"),

		Entry("CEL-10: as long as one ring", "UserGroup", dialing(`strategy: Sequential, maxRingTime: 60s, maxGroupDialingTime: 1m`), ""),
		Entry("S-37, CEL-10: shorter than one ring", "UserGroup", dialing(`strategy: Sequential, maxRingTime: 90s, maxGroupDialingTime: 1m`), "must not be shorter than maxRingTime"),

		Entry("CEL-11: audio of its own", "UserGroup", `{voice: {dialingAudio: {override: Enabled, source: {type: Library, libraryID: jingle}}}}`, ""),
		Entry("CEL-11: no audio", "UserGroup", `{voice: {dialingAudio: {override: Disabled}}}`, ""),
		Entry("CEL-11: audio of its own without a source", "UserGroup", `{voice: {dialingAudio: {override: Enabled}}}`, "override Enabled needs a source"),
		Entry("CEL-11: a URL", "Organization", `{voice: {dialingAudio: {type: URL, url: "https://media.fjordline.example/a.wav"}}}`, ""),
		Entry("CEL-11: a ConfigMap", "Organization", `{voice: {dialingAudio: {type: ConfigMap, configMapKeyRef: {name: audio, key: a.wav}}}}`, ""),
		Entry("CEL-11: a library without an ID", "Organization", `{voice: {dialingAudio: {type: Library}}}`, "libraryID goes with type Library only"),
		Entry("CEL-11: a URL without one", "Organization", `{voice: {dialingAudio: {type: URL}}}`, "url goes with type URL only"),
		Entry("CEL-11: a ConfigMap without one", "Organization", `{voice: {dialingAudio: {type: ConfigMap}}}`, "configMapKeyRef goes with type ConfigMap only"),
		Entry("CEL-11: a library with a URL", "Organization", `{voice: {dialingAudio: {type: Library, libraryID: a, url: "https://a.example/a"}}}`, "url goes with type URL only"),
		Entry("CEL-11: a URL with an ID", "UserGroup", `{voice: {dialingAudio: {source: {type: URL, url: "https://a.example/a", libraryID: a}}}}`, "libraryID goes with type Library only"),

		Entry("CEL-12: another group", "UserGroup", `{includes: [{name: other}]}`, ""),
		Entry("CEL-12: the group itself", "UserGroup", `{includes: [{name: other}, {name: self}]}`, "a group cannot include itself"),
		Entry("CEL-12: another role", "ProfileRole", `{includes: [{name: view-only}]}`, ""),
		Entry("CEL-12: the role itself", "ProfileRole", `{includes: [{name: self}]}`, "remove the role itself"),

		Entry("CEL-15: unlimited chats", "Teammate", person(`maxChats: -1`), ""),
		Entry("CEL-15: one chat", "Teammate", person(`maxChats: 1`), ""),
		Entry("CEL-15: ten thousand chats", "Teammate", person(`maxChats: 10000`), ""),
		Entry("CEL-15: no chats", "Teammate", person(`maxChats: 0`), "use -1 for unlimited"),
		Entry("CEL-15: unlimited by default", "Organization", `{policies: {chatLimit: {default: -1}}}`, ""),
		Entry("CEL-15: no chats by default", "Organization", `{policies: {chatLimit: {default: 0}}}`, "use -1 for unlimited"),

		Entry("CEL-16: a social profile on a platform", "Profile", `{type: Social, platform: Instagram}`, ""),
		Entry("CEL-16: a social profile nowhere", "Profile", `{type: Social}`, "set platform"),
		Entry("CEL-16: a review profile nowhere", "Profile", `{type: Review}`, "set platform"),
		Entry("CEL-16: a phone with a number", "Profile", `{type: Phone, phoneNumber: "+4712345678"}`, ""),
		Entry("CEL-16: a phone without", "Profile", `{type: Phone}`, "set phoneNumber"),
		Entry("CEL-16: a line without", "Profile", `{type: Line}`, "set phoneNumber"),
		Entry("CEL-16: an e-mail profile with neither", "Profile", `{type: Email}`, ""),

		Entry("CEL-17: no weights", "Department", `{groups: [{name: a}, {name: b}]}`, ""),
		Entry("CEL-17: no groups", "Department", `{groups: []}`, ""),
		Entry("CEL-17: weights of a hundred", "Department", `{groups: [{name: a, weight: 40}, {name: b, weight: 60}, {name: c, weight: 0}]}`, ""),
		Entry("CEL-17: weights of fifty groups", "Department", `{groups: `+repeat(50, `{name: g-%d, weight: 2}`)+`}`, ""),
		Entry("CEL-17: weights below a hundred", "Department", `{groups: [{name: a, weight: 40}, {name: b, weight: 59}]}`, "with a sum of 100, or none"),
		Entry("CEL-17: one weight of two", "Department", `{groups: [{name: a, weight: 100}, {name: b}]}`, "with a sum of 100, or none"),

		Entry("CEL-18: hang up", "UserGroup", dialing(`strategy: Random, maxRingTime: 15s, overflow: {type: Hangup}`), ""),
		Entry("CEL-18: on to a queue", "UserGroup", dialing(`strategy: Random, maxRingTime: 15s, overflow: {type: Queue, name: orders}`), ""),
		Entry("CEL-18: on to a queue without name", "UserGroup", dialing(`strategy: Random, maxRingTime: 15s, overflow: {type: Queue}`), "spec.voice.dialing.overflow: Invalid value"),
		Entry("CEL-18: voicemail with a name", "UserGroup", dialing(`strategy: Random, maxRingTime: 15s, overflow: {type: Voicemail, name: box}`), "name goes with type Queue and UserGroup only"),
		Entry("CEL-18: on to a group when closed", "UserGroup", dialing(`strategy: Random, maxRingTime: 15s, outOfHours: {type: UserGroup, name: night}`), ""),
		Entry("CEL-18: on to a group without name when closed", "UserGroup", dialing(`strategy: Random, maxRingTime: 15s, outOfHours: {type: UserGroup}`), "name goes with type Queue and UserGroup only"),
		Entry("CEL-18: a group never goes on to a department", "UserGroup", dialing(`strategy: Random, maxRingTime: 15s, overflow: {type: Department, name: x}`), "Unsupported value"),
		Entry("CEL-18: a department on to another", "Department", `{routing: {overflow: {after: 10m, type: Department, name: other}}, outOfHours: {type: Department, name: night}}`, ""),
		Entry("CEL-18: a department on to a queue without name", "Department", `{routing: {overflow: {type: Queue}}}`, "name goes with type Department and Queue only"),
		Entry("CEL-18: unassigned with a name", "Department", `{routing: {overflow: {type: Unassigned, name: x}}}`, "name goes with type Department and Queue only"),
		Entry("CEL-18: a closed department rejects", "Department", `{outOfHours: {type: Reject}}`, ""),
		Entry("CEL-18: a closed department rejects by name", "Department", `{outOfHours: {type: Reject, name: x}}`, "name goes with type Department only"),
		Entry("CEL-18: a closed department goes on without name", "Department", `{outOfHours: {type: Department}}`, "name goes with type Department only"),
		Entry("CEL-18: a queue on to another", "Queue", `{overflow: {type: Queue, name: other}, outOfHours: {type: UserGroup, name: night}}`, ""),
		Entry("CEL-18: a queue on to a group without name", "Queue", `{overflow: {type: UserGroup}}`, "name goes with type Queue and UserGroup only"),
		Entry("CEL-18: a closed queue on to voicemail by name", "Queue", `{outOfHours: {type: Voicemail, name: box}}`, "name goes with type Queue and UserGroup only"),
		Entry("CEL-18: a queue never goes on to a department", "Queue", `{overflow: {type: Department, name: x}}`, "Unsupported value"),

		Entry("CEL-19: calls may be abandoned when dialed ahead", "Campaign", `{mode: Predictive, maxAbandonRatePercent: 3}`, ""),
		Entry("CEL-19: and not otherwise", "Campaign", `{mode: Progressive, maxAbandonRatePercent: 3}`, "goes with mode Predictive only"),

		Entry("CEL-20: a group is a target", "Mention", `{groups: [{name: a}], message: x}`, ""),
		Entry("CEL-20: a person is a target", "Mention", `{teammates: [{name: a}], message: x}`, ""),
		Entry("CEL-20: both are", "Mention", `{groups: [{name: a}], teammates: [{name: a}], message: x}`, ""),
		Entry("CEL-20: no target", "Mention", `{message: x}`, "name at least one target"),
		Entry("CEL-20: empty lists are no target", "Mention", `{groups: [], teammates: [], message: x}`, "name at least one target"),
		Entry("CEL-20: a conversation needs no message", "Mention", `{conversation: {externalID: c}, groups: [{name: a}]}`, ""),
		Entry("S-93: CEL-20: a notification needs a message", "Mention", `{groups: [{name: a}]}`, "give it a message, and no resolutions"),
		Entry("CEL-20: and not an empty one", "Mention", `{groups: [{name: a}], message: ""}`, "give it a message, and no resolutions"),
		Entry("CEL-20: a notification is resolved by nobody", "Mention", `{groups: [{name: a}], message: x, resolutions: [{name: ana, action: Resolve}]}`, "give it a message, and no resolutions"),
		Entry("CEL-20: an empty list of resolutions is none", "Mention", `{groups: [{name: a}], message: x, resolutions: []}`, ""),
		Entry("CEL-20: a conversation may be resolved from the start", "Mention", mention(`resolutions: [{name: ana, action: CloseAndResolve}]`), ""),

		Entry("CEL-22: made by hand", "Mention", mention(`source: {type: Manual, username: max, eventID: e}`), ""),
		Entry("CEL-22: made by hand for somebody", "Mention", mention(`source: {type: Manual, teammateRef: {name: max}}`), ""),
		Entry("CEL-22: made by an automation", "Mention", mention(`source: {type: Automation, automationRef: {name: refunds}, eventID: e}`), ""),
		Entry("CEL-22: made by a flow", "Mention", mention(`source: {type: Flow}`), ""),
		Entry("CEL-22: made by an unnamed automation", "Mention", mention(`source: {type: Automation}`), "automationRef goes with type Automation only"),
		Entry("CEL-22: made by hand, with an automation", "Mention", mention(`source: {type: Manual, automationRef: {name: refunds}}`), "automationRef goes with type Automation only"),
		Entry("CEL-22: made by a flow, with an automation", "Mention", mention(`source: {type: Flow, automationRef: {name: refunds}}`), "automationRef goes with type Automation only"),
		Entry("CEL-22: an automation has no username", "Mention", mention(`source: {type: Automation, automationRef: {name: refunds}, username: max}`), "name the author of a mention of type Manual"),
		Entry("CEL-22: an automation is no teammate", "Mention", mention(`source: {type: Automation, automationRef: {name: refunds}, teammateRef: {name: max}}`), "name the author of a mention of type Manual"),
		Entry("CEL-22: a flow has no username", "Mention", mention(`source: {type: Flow, username: max}`), "name the author of a mention of type Manual"),
		Entry("CEL-22: a flow is no teammate", "Mention", mention(`source: {type: Flow, teammateRef: {name: max}}`), "name the author of a mention of type Manual"),

		Entry("CEL-23: a mention of a group", "InboundAutomation", automation(`{type: Mention, mention: {groups: [{name: a}]}}`), ""),
		Entry("CEL-23: a mention of a person", "InboundAutomation", automation(`{type: Mention, mention: {teammates: [{name: a}], message: x}}`), ""),
		Entry("CEL-23: a response", "InboundAutomation", automation(`{type: SendResponse, sendResponse: {text: Thanks}}`), ""),
		Entry("CEL-23: several actions", "InboundAutomation", automation(`{type: SendResponse, sendResponse: {text: Thanks}}, {type: CloseConversation}`), ""),
		Entry("CEL-23: a mention of nobody", "InboundAutomation", automation(`{type: Mention, mention: {message: x}}`), "name at least one target"),
		Entry("CEL-23: a mention of empty lists", "InboundAutomation", automation(`{type: Mention, mention: {groups: [], teammates: []}}`), "name at least one target"),
		Entry("CEL-23: a mention without one", "InboundAutomation", automation(`{type: Mention}`), "mention goes with type Mention only"),
		Entry("CEL-23: a response without one", "InboundAutomation", automation(`{type: SendResponse}`), "sendResponse goes with type SendResponse only"),
		Entry("CEL-23: closing with a mention", "InboundAutomation", automation(`{type: CloseConversation, mention: {groups: [{name: a}]}}`), "mention goes with type Mention only"),
		Entry("CEL-23: closing with a response", "InboundAutomation", automation(`{type: CloseConversation, sendResponse: {text: Bye}}`), "sendResponse goes with type SendResponse only"),
		Entry("CEL-23: a mention with a response", "InboundAutomation", automation(`{type: Mention, mention: {groups: [{name: a}]}, sendResponse: {text: x}}`), "sendResponse goes with type SendResponse only"),
		Entry("CEL-23: a response with a mention", "InboundAutomation", automation(`{type: SendResponse, sendResponse: {text: x}, mention: {groups: [{name: a}]}}`), "mention goes with type Mention only"),

		Entry("CEL-24: Kubernetes needs no Secret", "Downstream", `{driver: KubernetesRBAC, kubernetesRBAC: {}, records: [Access]}`, ""),
		Entry("CEL-24: and may have one", "Downstream", downstream(`driver: KubernetesRBAC, kubernetesRBAC: {bindings: [{name: agent, clusterRole: view}]}, records: [Access]`), ""),

		Entry("CEL-26: a username", "Teammate", `{identity: {employeeID: "1", username: "ana@fjordline.example"}}`, ""),
		Entry("CEL-26: a username with system in it", "Teammate", `{identity: {employeeID: "1", username: "my-system:ana"}}`, ""),
		Entry("CEL-26: a username of the system", "Teammate", `{identity: {employeeID: "1", username: "system:admin"}}`, "does not start with system:"),

		Entry("CEL-27: a role may reply in care", "ProfileRole", `{permissions: [care.reply], denies: ["*.delete"]}`, ""),
		Entry("CEL-27: no role gives conversation", "ProfileRole", `{permissions: [care.reply, conversation.reply]}`, "spec.permissions[1]: Invalid value"),
		Entry("CEL-27: no role gives all of conversation", "ProfileRole", `{permissions: ["conversation.*"]}`, "conversation permissions come from mentions only"),
		Entry("CEL-27: no role denies conversation", "ProfileRole", `{denies: [conversation.view]}`, "conversation permissions come from mentions only"),
		Entry("CEL-27: conversations are something else", "AccountRole", `{baseType: Agent, permissions: [conversations.handle]}`, ""),
		Entry("CEL-27: a vocabulary", "Organization", `{vocabulary: [video.start]}`, ""),
		Entry("CEL-27: a vocabulary of conversation", "Organization", `{vocabulary: [conversation.start]}`, "conversation permissions come from mentions only"),

		// What such rules do for other fields, enumerations and required fields do here.
		Entry("a base type is required", "AccountRole", `{}`, "spec.baseType: Required value"),
		Entry("a base type is one of ten", "AccountRole", `{baseType: Boss}`, "Unsupported value"),
		Entry("a preset is one of six", "Organization", `{preset: Emplifi}`, "Unsupported value"),
		Entry("the mode of a campaign is required", "Campaign", `{}`, "spec.mode: Required value"),
		Entry("a driver is required", "Downstream", `{records: [Users]}`, "spec.driver: Required value"),
		Entry("a driver is one of eight", "Downstream", `{driver: Fax, records: [Users]}`, "Unsupported value"),
		Entry("records are required", "Downstream", downstream(`driver: HTTP, http: {url: "https://a.example"}`), "spec.records: Required value"),
		Entry("records are of five kinds", "Downstream", downstream(`driver: HTTP, http: {url: "https://a.example"}, records: [Cars]`), "Unsupported value"),
		Entry("a mode is one of four", "Downstream", downstream(`driver: HTTP, http: {url: "https://a.example"}, records: [Users], mode: Everything`), "Unsupported value"),
		Entry("a conversation has an id", "Mention", `{conversation: {}, teammates: [{name: a}]}`, "spec.conversation.externalID: Required value"),
		Entry("a source has a type", "Mention", mention(`source: {username: max}`), "spec.source.type: Required value"),
		Entry("a resolution has an action", "Mention", mention(`resolutions: [{name: ana}]`), "action: Required value"),
		Entry("an action is one of two", "Mention", mention(`resolutions: [{name: ana, action: Reject}]`), "Unsupported value"),
		Entry("keywords are required", "InboundAutomation", `{actions: [{type: CloseConversation}]}`, "spec.keywords: Required value"),
		Entry("actions are required", "InboundAutomation", `{keywords: [a]}`, "spec.actions: Required value"),
		Entry("an action of an automation is one of three", "InboundAutomation", automation(`{type: Forward}`), "Unsupported value"),
		Entry("a response has a text", "InboundAutomation", automation(`{type: SendResponse, sendResponse: {}}`), "text: Required value"),
		Entry("a queue has a channel", "Queue", `{channels: []}`, "should have at least 1 items"),
		Entry("the type of a profile is required", "Profile", `{}`, "spec.type: Required value"),
		Entry("an identity is required", "Teammate", `{}`, "spec.identity: Required value"),
		Entry("a permission set needs a role", "UserGroup", `{permissionSet: {}}`, "profileRoleRef: Required value"),
		Entry("dialing needs a strategy", "UserGroup", dialing(`maxRingTime: 15s`), "strategy: Required value"),
		Entry("dialing needs a time", "UserGroup", dialing(`strategy: Random`), "maxRingTime: Required value"),
		Entry("an assignment needs a type", "Teammate", person(`assignment: {queues: [{name: a}]}`), "spec.assignment.type: Required value"),
		Entry("a lifecycle needs a state", "Teammate", person(`lifecycle: {reason: x}`), "spec.lifecycle.state: Required value"),
	)

	DescribeTable("CEL-13 windows end after they begin", func(ctx context.Context, kind, format string) {
		at := func(from, until string) string {
			window := ""
			if from != "" {
				window += fmt.Sprintf(", from: %q", from)
			}
			if until != "" {
				window += fmt.Sprintf(", until: %q", until)
			}
			return fmt.Sprintf(format, window)
		}
		const early, late = "2027-01-01T00:00:00Z", "2027-01-02T00:00:00Z"
		try := func(from, until, want string) {
			GinkgoHelper()
			expectAnswer(tryCreate(ctx, object(kind, "windowed", at(from, until))), want)
		}
		try("", "", "")
		try(early, "", "")
		try("", late, "")
		try(early, late, "")
		try("2027-01-01T01:00:00+02:00", early, "")
		try(late, early, "until must be later than from")
		try(early, early, "until must be later than from")
	},
		Entry(nil, "Teammate", `{identity: {employeeID: "1"}%s}`),
		Entry(nil, "Teammate", `{identity: {employeeID: "1"}, absences: [{name: a%s}]}`),
		Entry(nil, "Teammate", `{identity: {employeeID: "1"}, groups: [{name: a%s}]}`),
		Entry(nil, "Teammate", `{identity: {employeeID: "1"}, profiles: [{name: a%s}]}`),
		Entry(nil, "UserGroup", `{members: [{name: a%s}]}`),
		Entry(nil, "UserGroup", `{profiles: [{name: a%s}]}`),
	)

	DescribeTable("CEL-14 bounds durations", func(ctx context.Context, kind, format string, admitted, refused []string) {
		for _, duration := range admitted {
			expectAnswer(tryCreate(ctx, object(kind, "timed", fmt.Sprintf(format, duration))), "")
		}
		for _, duration := range refused {
			err := tryCreate(ctx, object(kind, "timed", fmt.Sprintf(format, duration)))
			ExpectWithOffset(1, err).To(HaveOccurred(), duration)
			expectAnswer(err, " "+admitted[0]+" to ")
		}
	},
		Entry(nil, "Organization", `{voice: {leastCallsWindow: %s}}`, []string{"1h", "744h", "90m", "1h30m"}, []string{"59m", "744h1s"}),
		Entry(nil, "Organization", `{mentionRetention: %s}`, []string{"1h", "8760h"}, []string{"3599s", "8760h1ms"}),
		Entry(nil, "Organization", `{chat: {reassignment: {timeout: %s}}}`, []string{"1s", "24h"}, []string{"999ms", "24h1s"}),
		Entry(nil, "Organization", `{policies: {block: {minDuration: %s}}}`, []string{"0s", "8h"}, []string{"87601h"}),
		Entry(nil, "Organization", `{policies: {block: {maxDuration: %s}}}`, []string{"0s", "744h"}, []string{"87601h"}),
		Entry(nil, "Organization", `{policies: {mentions: {maxAccessDuration: %s}}}`, []string{"0s", "8760h"}, []string{"8761h"}),
		Entry(nil, "UserGroup", dialing(`strategy: Random, maxRingTime: %s`), []string{"1s", "10m", "0.5m"}, []string{"0s", "10m1s"}),
		Entry(nil, "UserGroup", dialing(`strategy: Sequential, maxRingTime: 1s, maxGroupDialingTime: %s`), []string{"1s", "1h"}, []string{"61m"}),
		Entry(nil, "Department", `{routing: {reassignAfter: %s}}`, []string{"1s", "24h"}, []string{"1ms", "25h"}),
		Entry(nil, "Department", `{routing: {overflow: {type: Unassigned, after: %s}}}`, []string{"1s", "24h"}, []string{"0h", "25h"}),
		Entry(nil, "Queue", `{routing: {maxRingTime: %s}}`, []string{"1s", "10m"}, []string{"0s", "11m"}),
		Entry(nil, "Queue", `{routing: {maxWaitingTime: %s}}`, []string{"1s", "24h"}, []string{"0s", "25h"}),
		Entry(nil, "Mention", mention(`ttl: %s`), []string{"1m", "8760h", "90s"}, []string{"59s", "8760h1s"}),
		Entry(nil, "Downstream", downstream(`driver: HTTP, http: {url: "https://a.example"}, records: [Users], resyncInterval: %s`), []string{"30s", "24h", "10m"}, []string{"29s", "24h1s"}),
		Entry(nil, "Downstream", downstream(`driver: HTTP, http: {url: "https://a.example"}, records: [Users], safety: {deletionGrace: %s}`), []string{"0s", "24h", "5m"}, []string{"25h"}),
		Entry(nil, "Queue", `{afterServiceTime: %s}`, []string{"0s", "1h"}, []string{"61m"}),
	)

	DescribeTable("CEL-25 keeps what was chosen at creation", func(ctx context.Context, kind, before, allowed, refused, want string) {
		stored := object(kind, "kept", before)
		Expect(strict().Create(ctx, stored)).To(Succeed())
		DeferCleanup(func(ctx context.Context) { Expect(kube.Delete(ctx, stored)).To(Succeed()) })

		change := func(spec string) error {
			changed := stored.DeepCopy()
			var content map[string]any
			Expect(yaml.UnmarshalStrict([]byte(spec), &content)).To(Succeed())
			changed.Object["spec"] = content
			return strict().Update(ctx, changed, client.DryRunAll)
		}
		expectAnswer(change(allowed), "")
		expectAnswer(change(refused), want)
	},
		Entry("base type", "AccountRole", `{baseType: Agent}`, `{baseType: Agent, displayName: x}`, `{baseType: Owner}`, "keep baseType"),
		Entry("type of a profile", "Profile", `{type: Chat}`, `{type: Chat, state: Disabled}`, `{type: Email}`, "keep type"),
		Entry("scope, from the default", "UserGroup", `{}`, `{state: Disabled}`, `{scope: Enterprise}`, "scope is chosen when the group is created"),
		Entry("scope, back to the default", "UserGroup", `{scope: Enterprise}`, `{scope: Enterprise, practices: [{name: a}]}`, `{}`, "scope is chosen when the group is created"),
		Entry("onboarding method", "Teammate", person(`onboarding: {method: Invite}`), person(`onboarding: {method: Invite, inviteToken: again}`), person(`onboarding: {method: Create}`), "keep onboarding.method"),
		Entry("onboarding method, by removing the struct", "Teammate", person(`onboarding: {method: Directory}`), person(`onboarding: {method: Directory}, firstName: Ana`), person(`firstName: Ana`), "keep onboarding.method"),
		Entry("driver", "Downstream", `{driver: KubernetesRBAC, kubernetesRBAC: {}, records: [Access]}`, `{driver: KubernetesRBAC, kubernetesRBAC: {}, records: [Access], mode: Full}`,
			downstream(`driver: HTTP, http: {url: "https://a.example"}, records: [Access]`), "keep driver"),
		Entry("CEL-19: mode of an active campaign", "Campaign", `{mode: Predictive, state: Active}`, `{mode: Predictive, state: Paused}`, `{mode: Progressive, state: Paused}`, "pause the campaign first"),
	)

	DescribeTable("CEL-21 keeps a mention as it was made", func(ctx context.Context, before, after, want string) {
		stored := object("Mention", "kept", before)
		Expect(strict().Create(ctx, stored)).To(Succeed())
		DeferCleanup(func(ctx context.Context) { Expect(kube.Delete(ctx, stored)).To(Succeed()) })
		changed := stored.DeepCopy()
		changed.Object["spec"] = object("Mention", "kept", after).Object["spec"]
		expectAnswer(strict().Update(ctx, changed, client.DryRunAll), want)
	},
		Entry("the same", mention(`message: x, ttl: 1h`), mention(`message: x, ttl: 1h`), ""),
		Entry("another conversation", `{conversation: {externalID: a}, teammates: [{name: ana}]}`, `{conversation: {externalID: b}, teammates: [{name: ana}]}`, "conversation stays as it was made"),
		Entry("another profile", `{conversation: {externalID: a, profileRef: {name: p}}, teammates: [{name: ana}]}`, `{conversation: {externalID: a, profileRef: {name: q}}, teammates: [{name: ana}]}`, "conversation stays as it was made"),
		Entry("a practice added", `{conversation: {externalID: a}, teammates: [{name: ana}]}`, `{conversation: {externalID: a, practiceName: north}, teammates: [{name: ana}]}`, "conversation stays as it was made"),
		Entry("a conversation added to a notification", `{message: x, teammates: [{name: ana}]}`, `{message: x, conversation: {externalID: a}, teammates: [{name: ana}]}`, "conversation stays as it was made"),
		Entry("a conversation removed", mention(`message: x`), `{message: x, teammates: [{name: ana}]}`, "conversation stays as it was made"),
		Entry("groups added", mention(``), mention(`groups: [{name: desk}]`), "groups stay as they were made"),
		Entry("one more group", mention(`groups: [{name: desk}]`), mention(`groups: [{name: desk}, {name: night}]`), "groups stay as they were made"),
		Entry("another group", mention(`groups: [{name: desk}]`), mention(`groups: [{name: night}]`), "groups stay as they were made"),
		Entry("groups removed", mention(`groups: [{name: desk}]`), mention(``), "groups stay as they were made"),
		Entry("groups in another order", mention(`groups: [{name: desk}, {name: night}]`), mention(`groups: [{name: night}, {name: desk}]`), ""),
		Entry("teammates added", `{message: x, groups: [{name: desk}]}`, `{message: x, groups: [{name: desk}], teammates: [{name: ana}]}`, "teammates stay as they were made"),
		Entry("another teammate", `{message: x, teammates: [{name: ana}]}`, `{message: x, teammates: [{name: max}]}`, "teammates stay as they were made"),
		Entry("teammates removed", `{message: x, groups: [{name: desk}], teammates: [{name: ana}]}`, `{message: x, groups: [{name: desk}]}`, "teammates stay as they were made"),
		Entry("another source", mention(`source: {type: Manual, username: max}`), mention(`source: {type: Manual, username: eva}`), "source stays as it was made"),
		Entry("a source added", mention(``), mention(`source: {type: Flow}`), "source stays as it was made"),
		Entry("the default source added", mention(``), mention(`source: {type: Manual}`), ""),
		Entry("a source removed", mention(`source: {type: Flow}`), mention(``), "source stays as it was made"),
		Entry("another message", mention(`message: x`), mention(`message: other`), "message stays as it was made"),
		Entry("a message added", mention(``), mention(`message: other`), "message stays as it was made"),
		Entry("a message removed", mention(`message: x`), mention(``), "message stays as it was made"),
		Entry("another ttl", mention(`ttl: 1h`), mention(`ttl: 2h`), "ttl stays as it was made"),
		Entry("a ttl added", mention(``), mention(`ttl: 2h`), "ttl stays as it was made"),
		Entry("a ttl removed", mention(`ttl: 1h`), mention(``), "ttl stays as it was made"),
		Entry("a first resolution", mention(``), mention(`resolutions: [{name: ana, username: ana, action: Resolve}]`), ""),
		Entry("one more resolution", mention(`resolutions: [{name: ana, action: Resolve}]`), mention(`resolutions: [{name: max, action: Resolve}, {name: ana, action: Resolve}]`), ""),
		Entry("a resolution removed", mention(`resolutions: [{name: ana, action: Resolve}]`), mention(``), ""),
		Entry("another action", mention(`resolutions: [{name: ana, action: Resolve}]`), mention(`resolutions: [{name: ana, action: CloseAndResolve}]`), "a resolution stays as it was written"),
		Entry("another resolver", mention(`resolutions: [{name: ana, username: ana, action: Resolve}]`), mention(`resolutions: [{name: ana, username: max, action: Resolve}]`), "a resolution stays as it was written"),
		Entry("a resolver added", mention(`resolutions: [{name: ana, action: Resolve}]`), mention(`resolutions: [{name: ana, username: max, action: Resolve}]`), "a resolution stays as it was written"),
		Entry("a resolver removed", mention(`resolutions: [{name: ana, username: max, action: Resolve}]`), mention(`resolutions: [{name: ana, action: Resolve}]`), "a resolution stays as it was written"),
	)

	Context("CEL-24", func() {
		for driver, d := range drivers {
			It("takes the struct of driver "+driver+" and no other, with its records", func(ctx context.Context) {
				try := func(want, content string, kinds ...string) {
					GinkgoHelper()
					expectAnswer(tryCreate(ctx, object("Downstream", "driven", downstream(`driver: `+driver+`, `+content+`records: [`+strings.Join(kinds, ", ")+`]`))), want)
				}
				own := d.field + ": " + d.content + ", "
				try("", own, d.records...)
				try(d.field+" goes with driver "+driver+" only", "", d.records...)
				for other, o := range drivers {
					if other != driver {
						try(o.field+" goes with driver "+other+" only", own+o.field+": "+o.content+", ", d.records...)
					}
				}
				for _, record := range records {
					if slices.Contains(d.records, record) {
						try("", own, record)
						continue
					}
					try("driver "+driver+" takes ", own, record)
					try("driver "+driver+" takes ", own, d.records[0], record)
				}
				want := "every driver but KubernetesRBAC needs credentialsSecretRef"
				if driver == "KubernetesRBAC" {
					want = ""
				}
				expectAnswer(tryCreate(ctx, object("Downstream", "driven", `{driver: `+driver+`, `+own+`records: [`+d.records[0]+`]}`)), want)
			})
		}
	})

	It("CEL-19 lets a campaign that is not active change its mode", func(ctx context.Context) {
		stored := object("Campaign", "moded", `{mode: Predictive, state: Paused}`)
		Expect(strict().Create(ctx, stored)).To(Succeed())
		DeferCleanup(func(ctx context.Context) { Expect(kube.Delete(ctx, stored)).To(Succeed()) })
		Expect(unstructured.SetNestedField(stored.Object, "Progressive", "spec", "mode")).To(Succeed())
		Expect(strict().Update(ctx, stored.DeepCopy(), client.DryRunAll)).To(Succeed())
	})

	It("refuses on update what it refuses on creation, and lets stored objects be healed", func(ctx context.Context) {
		stored := object("Teammate", "updated", person(`maxChats: 3`))
		Expect(strict().Create(ctx, stored)).To(Succeed())
		DeferCleanup(func(ctx context.Context) { Expect(kube.Delete(ctx, stored)).To(Succeed()) })
		patch := func(content string) error {
			return strict().Patch(ctx, stored.DeepCopy(), client.RawPatch("application/merge-patch+json", []byte(content)), client.DryRunAll)
		}
		expectAnswer(patch(`{"spec": {"maxChats": 0}}`), "use -1 for unlimited")
		expectAnswer(patch(`{"spec": {"teamLeaderRef": {"name": "updated"}}}`), "name another Teammate")
		expectAnswer(patch(`{"spec": {"identity": {"email": null}}}`), "set at least one of")
		expectAnswer(patch(`{"spec": {"identity": {"email": null, "employeeID": "5"}, "maxChats": null}}`), "")
	})

	// The API server gives each rule, and each object, a budget at run time beside the estimate made of the schema.
	DescribeTable("the largest objects can be checked", func(ctx context.Context, kind, spec string) {
		stored := object(kind, "large", spec)
		Expect(strict().Create(ctx, stored)).To(Succeed())
		DeferCleanup(func(ctx context.Context) { Expect(kube.Delete(ctx, stored)).To(Succeed()) })
		Expect(strict().Update(ctx, stored.DeepCopy(), client.DryRunAll)).To(Succeed())
	},
		Entry("a group", "UserGroup", `{members: `+repeat(1000, `{name: `+long(58)+`-%03d, `+window+`}`)+`, profiles: `+repeat(500, `{name: p-%d, `+window+`}`)+
			`, includes: `+repeat(50, `{name: g-%d}`)+`, voice: {dialing: {strategy: Random, maxRingTime: 15s, profiles: `+repeat(500, `{name: p-%d}`)+`}}}`),
		Entry("a teammate", "Teammate", `{identity: {employeeID: "1"}, groups: `+repeat(100, `{name: g-%d, `+window+`}`)+`, profiles: `+repeat(500, `{name: p-%d, `+window+`}`)+
			`, absences: `+repeat(50, `{name: a-%d, `+window+`}`)+`, practices: `+repeat(50, `{name: p-%d, lines: `+strings.ReplaceAll(repeat(200, `{name: l-%d}`), "%", "%%")+`}`)+`}`),
		Entry("a profile role", "ProfileRole", `{permissions: `+repeat(256, long(32)+`.v%d`)+`, denies: `+repeat(128, long(32)+`.v%d`)+`, includes: `+repeat(32, `{name: r-%d}`)+`}`),
		Entry("an organization", "Organization", `{vocabulary: `+repeat(200, long(32)+`.v%d`)+`, denies: `+repeat(128, long(32)+`.v%d`)+`, skills: `+repeat(200, `{name: s-%d}`)+`, practices: `+repeat(200, `{name: p-%d}`)+`}`),
		Entry("a department", "Department", `{groups: `+repeat(50, `{name: g-%d, weight: 2}`)+`, profiles: `+repeat(500, `{name: p-%d}`)+`}`),
		Entry("a queue", "Queue", `{groups: `+repeat(50, `{name: g-%d}`)+`, supervisors: `+repeat(100, `{name: m-%d}`)+`, profiles: `+repeat(500, `{name: p-%d}`)+`}`),
		Entry("a mention", "Mention", `{conversation: {externalID: `+long(256)+`}, message: `+long(4096)+`, groups: `+repeat(50, `{name: `+long(58)+`-%03d}`)+
			`, teammates: `+repeat(500, `{name: `+long(58)+`-%03d}`)+`, resolutions: `+repeat(1000, `{name: `+long(58)+`-%03d, username: `+long(256)+`, action: CloseAndResolve}`)+`}`),
		Entry("an automation", "InboundAutomation", `{practices: `+repeat(50, `{name: p-%d}`)+`, profiles: `+repeat(200, `{name: p-%d}`)+`, keywords: `+repeat(100, long(60)+`-%d`)+
			`, actions: `+repeat(10, `{type: Mention, mention: {groups: `+repeat(50, `{name: g-%d}`)+`, message: m%d}}`)+`}`),
		Entry("a downstream", "Downstream", `{driver: KubernetesRBAC, records: [Access], kubernetesRBAC: {bindings: `+repeat(50, `{name: r-%d, clusterRole: c}`)+`}}`),
		Entry("a campaign", "Campaign", `{mode: Predictive, callerIDProfiles: `+repeat(100, `{name: p-%d}`)+`, supervisors: `+repeat(100, `{name: m-%d}`)+`}`),
	)

	It("never says immutable, so that no tool deletes and recreates", func(ctx context.Context) {
		stored := object("AccountRole", "worded", smallest["AccountRole"])
		Expect(strict().Create(ctx, stored)).To(Succeed())
		DeferCleanup(func(ctx context.Context) { Expect(kube.Delete(ctx, stored)).To(Succeed()) })
		Expect(kube.Patch(ctx, stored.DeepCopy(), client.RawPatch("application/merge-patch+json", []byte(`{"spec": {"baseType": "Owner"}}`)), client.DryRunAll)).
			To(MatchError(Not(ContainSubstring("immutable"))))
	})
})
