package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// long is a text of n characters that any pattern of letters admits.
func long(n int) string {
	return strings.Repeat("a", n)
}

var _ = Describe("Fields", func() {
	DescribeTable("patterns", func(ctx context.Context, kind, format string, admitted, refused []string) {
		for _, value := range admitted {
			By("admitting " + value)
			expectAnswer(tryCreate(ctx, object(kind, "patterned", fmt.Sprintf(format, strconv.Quote(value)))), "")
		}
		for _, value := range refused {
			By("refusing " + value)
			err := tryCreate(ctx, object(kind, "patterned", fmt.Sprintf(format, strconv.Quote(value))))
			Expect(err).To(HaveOccurred(), "%q is admitted", value)
			Expect(err).To(MatchError(Or(ContainSubstring("should match"), ContainSubstring("Too long"), ContainSubstring("at least 1 chars"), ContainSubstring("must be of type date"))), value)
		}
	},
		Entry("NAME", "Teammate", `{identity: {employeeID: "1"}, scheduleRef: {name: %s}}`,
			[]string{"a", "0", "a-b", "a.b", long(63)}, []string{"", "-a", "a-", "a.", "A", "a_b", "å", long(64)}),
		Entry("KEY", "Organization", `{skills: [{name: %s}]}`,
			[]string{"a", "0", "a-b", long(63)}, []string{"", "-a", "a-", "a.b", "A", long(64)}),
		Entry("PERM", "AccountRole", `{baseType: Agent, permissions: [%s]}`,
			[]string{"*", "care.*", "*.view", "care.reply", "users.editChatLimit", long(32) + "." + long(32)},
			[]string{"", "care", "care.", ".view", "*.*", "**", "care.*.x", "Care.reply", "care.Reply", "care.re-ply", "ca*.view", long(33) + ".view"}),
		Entry("CPERM", "Organization", `{vocabulary: [%s]}`,
			[]string{"video.start", "a.b", "video2.startNow"}, []string{"", "*", "video.*", "*.start", "video", "Video.start"}),
		Entry("DUR", "Organization", `{mentionRetention: %s}`,
			[]string{"24h", "1h30m", "1.5h", "90m", "3600000ms"}, []string{"", "24", "1d", "-24h", "24 h", "24H", "+24h", "1h" + strings.Repeat("0", 31) + "s"}),
		Entry("EMAIL", "Teammate", `{identity: {email: %s}}`,
			[]string{"ana@fjordline.example", "Ana.T+x@a.b.example", "o'neil@a.example", "a@b-c.example", long(64) + "@a.example"},
			[]string{"", "ana", "ana@", "@a.example", "ana@localhost", "ana@a..example", "a b@a.example", "ana@a_b.example", "ana@å.example", `"a"@a.example`, long(65) + "@a.example"}),
		Entry("ZONE", "Schedule", `{timeZone: %s}`,
			[]string{"Etc/UTC", "UTC", "Europe/Prague", "America/Argentina/Buenos_Aires", "Etc/GMT+5"},
			[]string{"", "/UTC", "Europe/", "Europe/Prague Time", "../etc/passwd", "1/2", "a/b/c/d", "a" + long(64)}),
		Entry("HHMM", "Schedule", `{weekly: [{days: [Monday], open: %s, close: "17:00"}]}`,
			[]string{"00:00", "09:00", "23:59"}, []string{"", "9:00", "24:00", "23:60", "09:00:00", "0900"}),
		Entry("HHMM with 24:00", "Schedule", `{weekly: [{days: [Monday], open: "09:00", close: %s}]}`,
			[]string{"00:00", "17:00", "24:00"}, []string{"", "24:01", "25:00", "7:00"}),
		Entry("HHMM with 24:00, in an exception", "Schedule", `{exceptions: [{date: "2027-12-24", hours: [{open: "09:00", close: %s}]}]}`,
			[]string{"12:00", "24:00"}, []string{"24:30"}),
		Entry("PHONE", "Profile", `{type: Phone, phoneNumber: %s}`,
			[]string{"+4712345678", "+12", "+123456789012345"}, []string{"", "4712345678", "+0123", "+1", "+47 12", "+1234567890123456"}),
		Entry("EXT", "Teammate", `{identity: {employeeID: "1"}, extension: %s}`,
			[]string{"20", "2001", "0123456789"}, []string{"", "2", "20a", "+20", "01234567890"}),
		Entry("HANDLE", "UserGroup", `{handle: %s}`,
			[]string{"Quebecois", "Québécois", "客服", "2nd line", "R&D", "o'neil_x.y-z", long(63)}, []string{"", " x", "-x", "@x", "a@b", "a/b", "a!", long(64)}),
		Entry("LANG", "Profile", `{type: Chat, language: %s}`,
			[]string{"en", "fr-CA", "zh-Hant-TW", "fil"}, []string{"", "e", "english", "en_US", "en-", "fr-C", long(3) + strings.Repeat("-aaaa", 7)}),
		Entry("TOKEN", "Teammate", `{identity: {email: a@b.example}, onboarding: {method: Invite, inviteToken: %s}}`,
			[]string{"1", "2027-01-01T00:00:00Z", "a._:-Z", long(64)}, []string{"", "a b", "a/b", long(65)}),
		Entry("URL", "Teammate", `{identity: {employeeID: "1"}, card: {image: {url: %s}}}`,
			[]string{"https://a.example", "https://a.example:8443/x.png?y=1#z", "https://[::1]/x", "https://a.example/a@b"},
			[]string{"", "http://a.example/x", "https://", "https://user:pass@a.example/x", "https://a.example/x y", "ftp://a.example", "https://a.example/" + long(2048)}),
		Entry("URL of a system", "Downstream", downstream(`driver: HTTP, records: [Users], http: {url: %s}`),
			[]string{"https://a.example:8443/hook"}, []string{"", "http://a.example", "https://user:pass@a.example"}),
		Entry("URL of a directory", "Downstream", downstream(`driver: LDAP, records: [Users], ldap: {baseDN: "dc=a", url: %s}`),
			[]string{"ldap://dir.example", "ldaps://dir.example:636/x"}, []string{"", "https://dir.example", "ldap://", "ldaps://admin:pass@dir.example", "ldapi:///", "ldaps://" + long(2048)}),
		Entry("schema", "Downstream", downstream(`driver: PostgreSQL, records: [Users], postgreSQL: {schema: %s}`),
			[]string{"rollcall", "_x", "a1_b", long(63)}, []string{"", "1a", "A", "a-b", "a.b", `a"; drop`, long(64)}),
		Entry("EMAIL of a sender", "Downstream", downstream(`driver: SMTP, records: [Users], smtp: {host: a.example, from: %s}`),
			[]string{"desk@fjordline.example"}, []string{"", "desk", "Desk <desk@fjordline.example>"}),
		Entry("NAME of a ClusterRole", "Downstream", `{driver: KubernetesRBAC, records: [Access], kubernetesRBAC: {bindings: [{name: agent, clusterRole: %s}]}}`,
			[]string{"view", "rollcall-agent"}, []string{"", "system:admin", "View", long(64)}),
		Entry("KEY of a practice", "Mention", `{teammates: [{name: ana}], conversation: {externalID: c, practiceName: %s}}`,
			[]string{"north", "a-b"}, []string{"", "a.b", "North", long(64)}),
		Entry("NAME of who resolved", "Mention", mention(`resolutions: [{name: %s, action: Resolve}]`),
			[]string{"ana", "a.b"}, []string{"", "Ana", long(64)}),
		Entry("DUR of a mention", "Mention", mention(`ttl: %s`), []string{"90m"}, []string{"", "1d", "-1h"}),
		Entry("KEY of an automation's practice", "InboundAutomation", `{keywords: [a], actions: [{type: CloseConversation}], practices: [{name: %s}]}`,
			[]string{"north"}, []string{"", "a.b", long(64)}),
		Entry("date", "Schedule", `{exceptions: [{date: %s}]}`,
			[]string{"2027-12-24"}, []string{"", "2027-12-4", "24.12.2027", "2027-12-24T00:00:00Z"}),
		Entry("start date", "Teammate", `{identity: {employeeID: "1"}, employment: {startDate: %s}}`,
			[]string{"2027-02-28"}, []string{"", "2027-02-30", "yesterday"}),
		Entry("colour", "Teammate", `{identity: {employeeID: "1"}, tags: [{name: vip, color: %s}]}`,
			[]string{"#00aaFF"}, []string{"", "00aaff", "#00aaf", "#00aafg"}),
	)

	DescribeTable("bounds", func(ctx context.Context, kind, format, within, beyond string) {
		Expect(tryCreate(ctx, object(kind, "bounded", fmt.Sprintf(format, within)))).To(Succeed())
		err := tryCreate(ctx, object(kind, "bounded", fmt.Sprintf(format, beyond)))
		Expect(err).To(MatchError(Or(ContainSubstring("Too many"), ContainSubstring("Too long"), ContainSubstring("should be less than"),
			ContainSubstring("should be greater than"), ContainSubstring("should have at least"), ContainSubstring("chars long"))))
	},
		Entry("display name of an organization", "Organization", `{displayName: %s}`, long(128), long(129)),
		Entry("display name, empty", "Organization", `{displayName: %s}`, `x`, `""`),
		Entry("card guidelines", "Organization", `{cardGuidelines: %s}`, long(8192), long(8193)),
		Entry("unanswered calls", "Organization", `{voice: {maxUnansweredCalls: %s}}`, `10`, `11`),
		Entry("unanswered calls, none", "Organization", `{voice: {maxUnansweredCalls: %s}}`, `1`, `0`),
		Entry("skills of an organization", "Organization", `{skills: %s}`, repeat(200, `{name: s-%d}`), repeat(201, `{name: s-%d}`)),
		Entry("practices", "Organization", `{practices: %s}`, repeat(200, `{name: p-%d}`), repeat(201, `{name: p-%d}`)),
		Entry("vocabulary", "Organization", `{vocabulary: %s}`, repeat(200, `m.v%d`), repeat(201, `m.v%d`)),
		Entry("mail domains", "Organization", `{policies: {identity: {allowedEmailDomains: %s}}}`, repeat(100, `d%d.example`), repeat(101, `d%d.example`)),
		Entry("chat maximum", "Organization", `{policies: {chatLimit: {maximum: %s}}}`, `10000`, `10001`),
		Entry("queues per person", "Organization", `{policies: {assignment: {maxQueues: %s}}}`, `50`, `51`),
		Entry("permissions of an account role", "AccountRole", `{baseType: Agent, permissions: %s}`, repeat(256, `m.v%d`), repeat(257, `m.v%d`)),
		Entry("denies of an account role", "AccountRole", `{baseType: Agent, denies: %s}`, repeat(128, `m.v%d`), repeat(129, `m.v%d`)),
		Entry("ceiling", "AccountRole", `{baseType: Agent, profileCeiling: %s}`, repeat(64, `m.v%d`), repeat(65, `m.v%d`)),
		Entry("data scope", "AccountRole", `{baseType: Agent, dataScope: {default: %s}}`, `[None]`, `[]`),
		Entry("scopes of an area", "AccountRole", `{baseType: Agent, dataScope: {areas: [{name: QA, scopes: %s}]}}`, `[Self]`, `[]`),
		Entry("includes of a role", "ProfileRole", `{includes: %s}`, repeat(32, `{name: r-%d}`), repeat(33, `{name: r-%d}`)),
		Entry("names of people", "Teammate", `{identity: {employeeID: "1"}, firstName: %s}`, long(64), long(65)),
		Entry("bio", "Teammate", `{identity: {employeeID: "1"}, card: {bio: %s}}`, long(4096), long(4097)),
		Entry("image size", "Teammate", `{identity: {employeeID: "1"}, card: {image: {url: "https://a.example", width: %s}}}`, `20000`, `20001`),
		Entry("absences", "Teammate", `{identity: {employeeID: "1"}, absences: %s}`, repeat(50, `{name: a-%d}`), repeat(51, `{name: a-%d}`)),
		Entry("skill level", "Teammate", `{identity: {employeeID: "1"}, skills: [{name: a, level: %s}]}`, `100`, `101`),
		Entry("chats", "Teammate", `{identity: {employeeID: "1"}, maxChats: %s}`, `10000`, `10001`),
		Entry("groups of a person", "Teammate", `{identity: {employeeID: "1"}, groups: %s}`, repeat(100, `{name: g-%d}`), repeat(101, `{name: g-%d}`)),
		Entry("profiles of a person", "Teammate", `{identity: {employeeID: "1"}, profiles: %s}`, repeat(500, `{name: p-%d}`), repeat(501, `{name: p-%d}`)),
		Entry("queues of a person", "Teammate", `{identity: {employeeID: "1"}, assignment: {type: Queues, queues: %s}}`, repeat(50, `{name: q-%d}`), repeat(51, `{name: q-%d}`)),
		Entry("members", "UserGroup", `{members: %s}`, repeat(1000, `{name: m-%d}`), repeat(1001, `{name: m-%d}`)),
		Entry("position", "UserGroup", `{members: [{name: a, position: %s}]}`, `1000000`, `1000001`),
		Entry("supervisors", "UserGroup", `{supervisors: %s}`, repeat(100, `{name: m-%d}`), repeat(101, `{name: m-%d}`)),
		Entry("criteria", "UserGroup", `{criteria: %s}`, repeat(50, `{type: Other, value: "%d"}`), repeat(51, `{type: Other, value: "%d"}`)),
		Entry("labels of a selector", "UserGroup", `{profileSelector: {matchLabels: %s}}`, labels(20), labels(21)),
		Entry("groups of a department", "Department", `{groups: %s}`, repeat(50, `{name: g-%d}`), repeat(51, `{name: g-%d}`)),
		Entry("weight", "Department", `{groups: [{name: a, weight: %s}]}`, `100`, `101`),
		Entry("tags of a department", "Department", `{tags: %s}`, repeat(50, `t-%d`), repeat(51, `t-%d`)),
		Entry("name of a queue", "Queue", `{displayName: %s}`, long(100), long(101)),
		Entry("description of a queue", "Queue", `{description: %s}`, long(200), long(201)),
		Entry("priority", "Queue", `{priority: %s}`, `100`, `101`),
		Entry("groups of a queue", "Queue", `{groups: %s}`, repeat(50, `{name: g-%d}`), repeat(51, `{name: g-%d}`)),
		Entry("supervisors of a queue", "Queue", `{supervisors: %s}`, repeat(100, `{name: m-%d}`), repeat(101, `{name: m-%d}`)),
		Entry("size of a queue", "Queue", `{routing: {maxSize: %s}}`, `100000`, `100001`),
		Entry("skills of a queue", "Queue", `{routing: {requiredSkills: %s}}`, repeat(20, `{name: s-%d}`), repeat(21, `{name: s-%d}`)),
		Entry("numbers of a campaign", "Campaign", `{mode: Predictive, callerIDProfiles: %s}`, repeat(100, `{name: p-%d}`), repeat(101, `{name: p-%d}`)),
		Entry("abandoned calls", "Campaign", `{mode: Predictive, maxAbandonRatePercent: %s}`, `50`, `51`),
		Entry("id of a conversation", "Mention", `{teammates: [{name: a}], conversation: {externalID: %s}}`, long(256), long(257)),
		Entry("id of a conversation, empty", "Mention", `{teammates: [{name: a}], conversation: {externalID: %s}}`, `x`, `""`),
		Entry("message", "Mention", mention(`message: %s`), long(4096), long(4097)),
		Entry("groups of a mention", "Mention", mention(`groups: %s`), repeat(50, `{name: g-%d}`), repeat(51, `{name: g-%d}`)),
		Entry("teammates of a mention", "Mention", `{message: x, teammates: %s}`, repeat(500, `{name: t-%d}`), repeat(501, `{name: t-%d}`)),
		Entry("resolutions", "Mention", mention(`resolutions: %s`), repeat(1000, `{name: t-%d, action: Resolve}`), repeat(1001, `{name: t-%d, action: Resolve}`)),
		Entry("username of a resolution", "Mention", mention(`resolutions: [{name: a, action: Resolve, username: %s}]`), long(256), long(257)),
		Entry("username of a source", "Mention", mention(`source: {type: Manual, username: %s}`), long(256), long(257)),
		Entry("username of a source, empty", "Mention", mention(`source: {type: Manual, username: %s}`), `x`, `""`),
		Entry("event of a source", "Mention", mention(`source: {type: Flow, eventID: %s}`), long(256), long(257)),
		Entry("practices of an automation", "InboundAutomation", `{keywords: [a], actions: [{type: CloseConversation}], practices: %s}`, repeat(50, `{name: p-%d}`), repeat(51, `{name: p-%d}`)),
		Entry("profiles of an automation", "InboundAutomation", `{keywords: [a], actions: [{type: CloseConversation}], profiles: %s}`, repeat(200, `{name: p-%d}`), repeat(201, `{name: p-%d}`)),
		Entry("keywords", "InboundAutomation", `{actions: [{type: CloseConversation}], keywords: %s}`, repeat(100, `k%d`), repeat(101, `k%d`)),
		Entry("keywords, none", "InboundAutomation", `{actions: [{type: CloseConversation}], keywords: %s}`, `[a]`, `[]`),
		Entry("a keyword", "InboundAutomation", `{actions: [{type: CloseConversation}], keywords: [%s]}`, long(64), long(65)),
		Entry("a keyword, empty", "InboundAutomation", `{actions: [{type: CloseConversation}], keywords: [%s]}`, `x`, `""`),
		Entry("actions", "InboundAutomation", `{keywords: [a], actions: %s}`, repeat(10, `{type: SendResponse, sendResponse: {text: t%d}}`), repeat(11, `{type: SendResponse, sendResponse: {text: t%d}}`)),
		Entry("actions, none", "InboundAutomation", `{keywords: [a], actions: %s}`, `[{type: CloseConversation}]`, `[]`),
		Entry("groups of an action", "InboundAutomation", automation(`{type: Mention, mention: {groups: %s}}`), repeat(50, `{name: g-%d}`), repeat(51, `{name: g-%d}`)),
		Entry("teammates of an action", "InboundAutomation", automation(`{type: Mention, mention: {teammates: %s}}`), repeat(50, `{name: t-%d}`), repeat(51, `{name: t-%d}`)),
		Entry("message of an action", "InboundAutomation", automation(`{type: Mention, mention: {groups: [{name: a}], message: %s}}`), long(4096), long(4097)),
		Entry("text of a response", "InboundAutomation", automation(`{type: SendResponse, sendResponse: {text: %s}}`), long(1600), long(1601)),
		Entry("text of a response, empty", "InboundAutomation", automation(`{type: SendResponse, sendResponse: {text: %s}}`), `x`, `""`),
		Entry("bindings", "Downstream", `{driver: KubernetesRBAC, records: [Access], kubernetesRBAC: {bindings: %s}}`, repeat(50, `{name: r-%d, clusterRole: c}`), repeat(51, `{name: r-%d, clusterRole: c}`)),
		Entry("store", "Downstream", downstream(`driver: OpenFGA, records: [Access], openFGA: {url: "https://a.example", storeID: %s}`), long(64), long(65)),
		Entry("store, empty", "Downstream", downstream(`driver: OpenFGA, records: [Access], openFGA: {url: "https://a.example", storeID: %s}`), `x`, `""`),
		Entry("authorization model", "Downstream", downstream(`driver: OpenFGA, records: [Access], openFGA: {url: "https://a.example", storeID: s, authorizationModelID: %s}`), long(64), long(65)),
		Entry("authorization model, empty", "Downstream", downstream(`driver: OpenFGA, records: [Access], openFGA: {url: "https://a.example", storeID: s, authorizationModelID: %s}`), `x`, `""`),
		Entry("base of a directory", "Downstream", downstream(`driver: LDAP, records: [Users], ldap: {url: "ldaps://a.example", baseDN: %s}`), long(512), long(513)),
		Entry("base of a directory, empty", "Downstream", downstream(`driver: LDAP, records: [Users], ldap: {url: "ldaps://a.example", baseDN: %s}`), `x`, `""`),
		Entry("mail host", "Downstream", downstream(`driver: SMTP, records: [Users], smtp: {from: a@a.example, host: %s}`), long(253), long(254)),
		Entry("mail host, empty", "Downstream", downstream(`driver: SMTP, records: [Users], smtp: {from: a@a.example, host: %s}`), `x`, `""`),
		Entry("mail port", "Downstream", downstream(`driver: SMTP, records: [Users], smtp: {from: a@a.example, host: a, port: %s}`), `65535`, `65536`),
		Entry("mail port, none", "Downstream", downstream(`driver: SMTP, records: [Users], smtp: {from: a@a.example, host: a, port: %s}`), `1`, `0`),
		Entry("project", "Downstream", downstream(`driver: Tiledesk, records: [Users], tiledesk: {url: "https://a.example", projectID: %s}`), long(64), long(65)),
		Entry("project, empty", "Downstream", downstream(`driver: Tiledesk, records: [Users], tiledesk: {url: "https://a.example", projectID: %s}`), `x`, `""`),
		Entry("unlimited chats there", "Downstream", downstream(`driver: Tiledesk, records: [Users], tiledesk: {url: "https://a.example", projectID: p, unlimitedChats: %s}`), `1`, `0`),
		Entry("records", "Downstream", downstream(`driver: HTTP, http: {url: "https://a.example"}, records: %s`), `[Users, Groups, Access, Routes, Mentions]`, `[]`),
		Entry("removals in percent", "Downstream", downstream(`driver: HTTP, http: {url: "https://a.example"}, records: [Users], safety: {maxRemovalPercent: %s}`), `100`, `101`),
		Entry("removals in percent, negative", "Downstream", downstream(`driver: HTTP, http: {url: "https://a.example"}, records: [Users], safety: {maxRemovalPercent: %s}`), `0`, `-1`),
		Entry("floor", "Downstream", downstream(`driver: HTTP, http: {url: "https://a.example"}, records: [Users], safety: {floor: %s}`), `100000`, `100001`),
		Entry("floor, negative", "Downstream", downstream(`driver: HTTP, http: {url: "https://a.example"}, records: [Users], safety: {floor: %s}`), `0`, `-1`),
		Entry("confirmations", "Downstream", downstream(`driver: HTTP, http: {url: "https://a.example"}, records: [Users], safety: {confirmAbsences: %s}`), `100`, `101`),
		Entry("confirmations, none", "Downstream", downstream(`driver: HTTP, http: {url: "https://a.example"}, records: [Users], safety: {confirmAbsences: %s}`), `1`, `0`),
		Entry("explicit limit", "Downstream", downstream(`driver: HTTP, http: {url: "https://a.example"}, records: [Users], safety: {explicitLimit: %s}`), `100000`, `100001`),
		Entry("explicit limit, negative", "Downstream", downstream(`driver: HTTP, http: {url: "https://a.example"}, records: [Users], safety: {explicitLimit: %s}`), `0`, `-1`),
		Entry("requests", "Downstream", downstream(`driver: HTTP, http: {url: "https://a.example"}, records: [Users], rateLimit: {qps: %s}`), `1000`, `1001`),
		Entry("requests, none", "Downstream", downstream(`driver: HTTP, http: {url: "https://a.example"}, records: [Users], rateLimit: {qps: %s}`), `1`, `0`),
		Entry("burst", "Downstream", downstream(`driver: HTTP, http: {url: "https://a.example"}, records: [Users], rateLimit: {burst: %s}`), `10000`, `10001`),
		Entry("burst, none", "Downstream", downstream(`driver: HTTP, http: {url: "https://a.example"}, records: [Users], rateLimit: {burst: %s}`), `1`, `0`),
		Entry("weekly hours", "Schedule", `{weekly: %s}`, repeat(42, `{days: [Monday], open: "09:00", close: "17:%02d"}`), repeat(43, `{days: [Monday], open: "09:00", close: "17:%02d"}`)),
		Entry("days", "Schedule", `{weekly: [{days: %s, open: "09:00", close: "17:00"}]}`, `[Monday]`, `[]`),
		Entry("exceptions", "Schedule", `{exceptions: %s}`, repeat(60, `{date: "2027-01-%02d"}`), repeat(61, `{date: "2027-01-%02d"}`)),
		Entry("hours of an exception", "Schedule", `{exceptions: [{date: "2027-01-01", hours: %s}]}`, repeat(6, `{open: "0%d:00", close: "17:00"}`), repeat(7, `{open: "0%d:00", close: "17:00"}`)),
	)

	DescribeTable("entries are told apart by their key", func(ctx context.Context, kind, spec, want string) {
		expectAnswer(tryCreate(ctx, object(kind, "keyed", spec)), want)
	},
		Entry(nil, "Organization", `{skills: [{name: a}, {name: a}]}`, "Duplicate value"),
		Entry(nil, "Organization", `{practices: [{name: a}, {name: a}]}`, "Duplicate value"),
		Entry(nil, "Organization", `{vocabulary: [a.b, a.b]}`, "Duplicate value"),
		Entry(nil, "AccountRole", `{baseType: Agent, permissions: [a.b, a.b]}`, "Duplicate value"),
		Entry(nil, "AccountRole", `{baseType: Agent, dataScope: {areas: [{name: QA, scopes: [Self]}, {name: QA, scopes: [None]}]}}`, "Duplicate value"),
		Entry(nil, "ProfileRole", `{includes: [{name: a}, {name: a}]}`, "Duplicate value"),
		Entry(nil, "Teammate", person(`groups: [{name: a}, {name: a, until: "2027-01-01T00:00:00Z"}]`), "Duplicate value"),
		Entry(nil, "Teammate", person(`profiles: [{name: a}, {name: a}]`), "Duplicate value"),
		Entry(nil, "Teammate", person(`skills: [{name: a}, {name: a, level: 2}]`), "Duplicate value"),
		Entry(nil, "Teammate", person(`absences: [{name: a}, {name: a}]`), "Duplicate value"),
		Entry(nil, "Teammate", person(`practices: [{name: a, lines: [{name: x}, {name: x}]}]`), "Duplicate value"),
		Entry(nil, "Teammate", person(`channels: [Chat, Chat]`), "Duplicate value"),
		Entry(nil, "UserGroup", `{members: [{name: a}, {name: a, position: 1}]}`, "Duplicate value"),
		Entry(nil, "UserGroup", `{profiles: [{name: a}, {name: a}]}`, "Duplicate value"),
		Entry(nil, "UserGroup", `{supervisors: [{name: a}, {name: a}]}`, "Duplicate value"),
		Entry(nil, "UserGroup", `{criteria: [{type: Other, value: a}, {type: Other, value: a}]}`, ""),
		Entry(nil, "Department", `{groups: [{name: a}, {name: a}]}`, "Duplicate value"),
		Entry(nil, "Mention", `{message: x, groups: [{name: a}, {name: a}]}`, "Duplicate value"),
		Entry(nil, "Mention", `{message: x, teammates: [{name: a}, {name: a}]}`, "Duplicate value"),
		Entry(nil, "Mention", mention(`resolutions: [{name: a, action: Resolve}, {name: a, username: a, action: Resolve}]`), "Duplicate value"),
		Entry(nil, "InboundAutomation", `{keywords: [a, a], actions: [{type: CloseConversation}]}`, "Duplicate value"),
		Entry(nil, "InboundAutomation", `{keywords: [a], actions: [{type: CloseConversation}, {type: CloseConversation}]}`, ""),
		Entry(nil, "InboundAutomation", automation(`{type: Mention, mention: {groups: [{name: a}, {name: a}]}}`), "Duplicate value"),
		Entry(nil, "Downstream", downstream(`driver: HTTP, http: {url: "https://a.example"}, records: [Users, Users]`), "Duplicate value"),
		Entry(nil, "Downstream", `{driver: KubernetesRBAC, records: [Access], kubernetesRBAC: {bindings: [{name: a, clusterRole: b}, {name: a, clusterRole: c}]}}`, "Duplicate value"),
		Entry(nil, "Schedule", `{exceptions: [{date: "2027-01-01"}, {date: "2027-01-01", closed: true}]}`, "Duplicate value"),
	)

	DescribeTable("defaults", func(ctx context.Context, kind, spec, want string) {
		created := object(kind, "filled", spec)
		Expect(tryCreate(ctx, created)).To(Succeed())
		got, err := json.Marshal(created.Object["spec"])
		Expect(err).NotTo(HaveOccurred())
		wantJSON, err := yaml.YAMLToJSON([]byte(want))
		Expect(err).NotTo(HaveOccurred())
		Expect(got).To(MatchJSON(wantJSON))
	},
		Entry("of an organization without spec", "Organization", ``, `
preset: Custom
suspend: false
timeZone: Etc/UTC
contactCenter: Enabled
voice: {outboundCalls: Disabled, agentsCanChangeCallerID: Disabled, recordingAccess: Disabled, maxUnansweredCalls: 10, unansweredCallsScope: PerCall, leastCallsWindow: 24h}
chat: {autoAssignment: Enabled}
mentionRetention: 168h
cardGuidelines: ""
`),
		Entry("of an organization, below what is set", "Organization", `{voice: {outboundCalls: Enabled}, chat: {reassignment: {}, autoUnavailable: {}}, skills: [{name: a}], practices: [{name: a}], policies: {chatLimit: {}}}`, `
preset: Custom
suspend: false
timeZone: Etc/UTC
contactCenter: Enabled
voice: {outboundCalls: Enabled, agentsCanChangeCallerID: Disabled, recordingAccess: Disabled, maxUnansweredCalls: 10, unansweredCallsScope: PerCall, leastCallsWindow: 24h}
chat: {autoAssignment: Enabled, reassignment: {state: Disabled, timeout: 300s}, autoUnavailable: {state: Disabled, afterReassignments: 3}}
mentionRetention: 168h
cardGuidelines: ""
skills: [{name: a}]
practices: [{name: a}]
policies: {chatLimit: {}}
`),
		Entry("of an account role", "AccountRole", `{baseType: Supervisor}`,
			`{baseType: Supervisor, profileCeiling: ["*"], profileVisibility: Assigned, dataScope: {default: [Self]}, protectLastHolder: false}`),
		Entry("of an account role without any ceiling", "AccountRole", `{baseType: Agent, profileCeiling: []}`,
			`{baseType: Agent, profileCeiling: [], profileVisibility: Assigned, dataScope: {default: [Self]}, protectLastHolder: false}`),
		Entry("of a profile role without spec", "ProfileRole", ``, `{contentVisibility: All}`),
		Entry("of a profile", "Profile", `{type: Chat}`, `{type: Chat, state: Enabled}`),
		Entry("of a teammate", "Teammate", `{identity: {employeeID: "1"}, skills: [{name: a}], profiles: [{name: a}], absences: [{name: a}]}`, `
identity: {employeeID: "1", directoryTenantAdmin: false}
onboarding: {method: Create, welcomeEmail: Immediate}
availability: Available
autoAssignment: Inherit
assignment: {type: None}
assignAllProfiles: false
lifecycle: {state: Active}
skills: [{name: a}]
profiles: [{name: a}]
absences: [{name: a}]
`),
		Entry("of a group without spec", "UserGroup", ``, `{scope: Organization, state: Enabled, description: "", reporting: Enabled, deletionPolicy: Inherit}`),
		Entry("of a group, below what is set", "UserGroup", `{members: [{name: a}], mention: {}, permissionSet: {profileRoleRef: {name: a}}, voice: {dialingAudio: {}, dialing: {strategy: Random, maxRingTime: 15s}}}`, `
scope: Organization
state: Enabled
description: ""
reporting: Enabled
deletionPolicy: Inherit
members: [{name: a}]
mention: {state: Inherit}
permissionSet: {profileRoleRef: {name: a}}
voice:
  outboundCalls: Inherit
  agentsCanChangeCallerID: Inherit
  recordingAccess: Inherit
  dialingAudio: {override: Inherit}
  dialing: {strategy: Random, maxRingTime: 15s, overflow: {type: Hangup}, outOfHours: {type: Hangup}}
`),
		Entry("of a department without spec", "Department", ``,
			`{description: "", default: false, visibility: Visible, routing: {selection: RoundRobin, overflow: {type: Unassigned}}, outOfHours: {type: Unassigned}}`),
		Entry("of a queue without spec", "Queue", ``, `
description: ""
channels: [Voice, Messaging]
priority: 50
routing: {voiceSelection: LongestIdle, messagingSelection: LongestIdle, taskSelection: LongestWaiting, maxRingTime: 20s, holdWithoutAgents: Enabled}
overflow: {type: Hangup}
outOfHours: {type: Hangup}
`),
		Entry("of a campaign", "Campaign", `{mode: Progressive}`, `{mode: Progressive, state: Draft}`),
		Entry("of a mention", "Mention", `{teammates: [{name: ana}], conversation: {externalID: c}}`,
			`{teammates: [{name: ana}], conversation: {externalID: c}, source: {type: Manual}, message: ""}`),
		Entry("of a mention, below what is set", "Mention", `{groups: [], teammates: [{name: ana}], message: x, source: {type: Flow}}`,
			`{groups: [], teammates: [{name: ana}], message: x, source: {type: Flow}}`),
		Entry("of an automation", "InboundAutomation", `{keywords: [a], actions: [{type: Mention, mention: {groups: [{name: a}]}}]}`,
			`{keywords: [a], actions: [{type: Mention, mention: {groups: [{name: a}]}}], state: Enabled, match: Contains, when: Always}`),
		Entry("of a downstream", "Downstream", `{driver: KubernetesRBAC, kubernetesRBAC: {}, records: [Access]}`, `
driver: KubernetesRBAC
kubernetesRBAC: {}
records: [Access]
`+synchronized),
		Entry("of a database", "Downstream", downstream(`driver: PostgreSQL, records: [Users], postgreSQL: {}`), `
credentialsSecretRef: {name: secret}
driver: PostgreSQL
postgreSQL: {schema: rollcall}
records: [Users]
`+synchronized),
		Entry("of a directory", "Downstream", downstream(`driver: LDAP, records: [Users], ldap: {url: "ldaps://a.example", baseDN: dc=a}`), `
credentialsSecretRef: {name: secret}
driver: LDAP
ldap: {url: "ldaps://a.example", baseDN: dc=a, peopleRDN: ou=people, groupsRDN: ou=groups}
records: [Users]
`+synchronized),
		Entry("of a mail server", "Downstream", downstream(`driver: SMTP, records: [Users], smtp: {host: a.example, from: a@a.example}`), `
credentialsSecretRef: {name: secret}
driver: SMTP
smtp: {host: a.example, from: a@a.example, port: 587, startTLS: Required}
records: [Users]
`+synchronized),
		Entry("of a chat system", "Downstream", downstream(`driver: Tiledesk, records: [Users], tiledesk: {url: "https://a.example", projectID: p}`), `
credentialsSecretRef: {name: secret}
driver: Tiledesk
tiledesk: {url: "https://a.example", projectID: p, unlimitedChats: 1000000}
records: [Users]
`+synchronized),
		Entry("of a schedule without spec", "Schedule", ``, `{mode: Weekly}`),
	)

	It("tells an empty list of policies from none", func(ctx context.Context) {
		organization := object("Organization", "", `{preset: PatientMessaging, policies: {groupMemberBaseTypes: {practice: []}, roleModel: {}}}`)
		Expect(tryCreate(ctx, organization)).To(Succeed())
		policies, _, err := unstructured.NestedMap(organization.Object, "spec", "policies")
		Expect(err).NotTo(HaveOccurred())
		Expect(policies).To(Equal(map[string]any{
			"groupMemberBaseTypes": map[string]any{"practice": []any{}},
			"roleModel":            map[string]any{},
		}))
	})

	It("prunes what nobody knows, unless asked to be strict", func(ctx context.Context) {
		schedule := object("Schedule", "unknown", `{colour: red}`)
		Expect(kube.Create(ctx, schedule.DeepCopy(), client.DryRunAll)).To(Succeed())
		Expect(tryCreate(ctx, schedule)).To(MatchError(ContainSubstring(`unknown field "spec.colour"`)))
	})
})

// synchronized is what every Downstream is filled up with.
const synchronized = `
mode: Observe
adoption: Never
removal: Deactivate
onDelete: Orphan
drift: Correct
resyncInterval: 10m
safety: {maxRemovalPercent: 25, floor: 10, confirmAbsences: 3, explicitLimit: 20, deletionGrace: 2m}
`

// labels prints a YAML map of n labels.
func labels(n int) string {
	return "{" + strings.TrimSuffix(strings.TrimPrefix(repeat(n, `l%d: x`), "["), "]") + "}"
}
