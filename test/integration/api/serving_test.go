package api_test

import (
	"context"
	"encoding/json"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

var _ = Describe("Serving", func() {
	// stored creates an object, with a status in YAML where the kind has the subresource, until the end of the spec.
	stored := func(ctx context.Context, kind, name, spec, status string) {
		GinkgoHelper()
		made := object(kind, name, spec)
		Expect(strict().Create(ctx, made)).To(Succeed())
		DeferCleanup(func(ctx context.Context) { Expect(kube.Delete(ctx, made)).To(Succeed()) })
		if status != "" {
			var content map[string]any
			Expect(yaml.UnmarshalStrict([]byte(status), &content)).To(Succeed())
			made.Object["status"] = content
			Expect(kube.Status().Update(ctx, made)).To(Succeed())
		}
	}

	DescribeTable("selects by fields", func(ctx context.Context, kind, field, value string, want ...string) {
		stored(ctx, "Teammate", "ana", person(`accountRoleRef: {name: agent}, assignment: {type: Queues, queues: [{name: a}]}`), `{phase: Active}`)
		stored(ctx, "Teammate", "max", person(`accountRoleRef: {name: owner}`), `{phase: Blocked}`)
		stored(ctx, "Teammate", "eva", person(`accountRoleRef: {name: agent}`), ``)
		stored(ctx, "UserGroup", "on", ``, ``)
		stored(ctx, "UserGroup", "off", `{state: Disabled}`, ``)
		stored(ctx, "Profile", "ig", `{type: Social, platform: Instagram}`, ``)
		stored(ctx, "Profile", "fb", `{type: Social, platform: Facebook}`, ``)
		stored(ctx, "Profile", "mail", `{type: Email}`, ``)
		stored(ctx, "Mention", "open", mention(``), `{phase: Pending, alertCount: 0, openCount: 0}`)
		stored(ctx, "Mention", "done", mention(``), `{phase: Resolved, alertCount: 0, openCount: 0}`)
		stored(ctx, "Mention", "fresh", mention(``), ``)
		stored(ctx, "Downstream", "roles", `{driver: KubernetesRBAC, kubernetesRBAC: {}, records: [Access]}`, ``)
		stored(ctx, "Downstream", "hooks", downstream(`driver: HTTP, http: {url: "https://a.example"}, records: [Users]`), ``)

		found := new(unstructured.UnstructuredList)
		found.SetGroupVersionKind(rollcallv1.GroupVersion.WithKind(kind + "List"))
		Expect(kube.List(ctx, found, client.InNamespace(namespace), client.MatchingFields{field: value})).To(Succeed())
		var names []string
		for _, item := range found.Items {
			names = append(names, item.GetName())
		}
		Expect(names).To(ConsistOf(want))
	},
		Entry(nil, "Teammate", "status.phase", "Active", "ana"),
		Entry(nil, "Teammate", "status.phase", "Invited"),
		Entry(nil, "Teammate", "spec.accountRoleRef.name", "agent", "ana", "eva"),
		Entry(nil, "Teammate", "spec.assignment.type", "Queues", "ana"),
		Entry(nil, "Teammate", "spec.assignment.type", "None", "max", "eva"),
		Entry(nil, "UserGroup", "spec.state", "Enabled", "on"),
		Entry(nil, "UserGroup", "spec.state", "Disabled", "off"),
		Entry(nil, "Profile", "spec.type", "Social", "ig", "fb"),
		Entry(nil, "Profile", "spec.platform", "Facebook", "fb"),
		Entry(nil, "Mention", "status.phase", "Pending", "open"),
		Entry(nil, "Mention", "status.phase", "Expired"),
		Entry(nil, "Downstream", "spec.driver", "HTTP", "hooks"),
	)

	It("selects by no other field", func(ctx context.Context) {
		Expect(kube.List(ctx, &rollcallv1.TeammateList{}, client.InNamespace(namespace), client.MatchingFields{"spec.firstName": "Ana"})).
			To(MatchError(ContainSubstring("field label not supported")))
	})

	DescribeTable("prints columns", func(ctx context.Context, resource, kind, spec, status string, want ...string) {
		stored(ctx, kind, "printed", spec, status)
		table := tableOf(ctx, resource)
		// The first column is the object's name, the last one its age.
		var printed []string
		for i, column := range table.ColumnDefinitions[1 : len(table.ColumnDefinitions)-1] {
			printed = append(printed, fmt.Sprintf("%s=%v", column.Name, table.Rows[0].Cells[i+1]))
		}
		Expect(printed).To(Equal(want))
		Expect(table.ColumnDefinitions[len(table.ColumnDefinitions)-1].Name).To(Equal("Age"))
	},
		Entry(nil, "organizations", "Organization", `{preset: ChatDesk}`, `{counts: {active: 3, groups: 2}, `+ready+`}`, "Preset=ChatDesk", "Active=3", "Groups=2", "Ready=True"),
		Entry(nil, "accountroles", "AccountRole", `{baseType: Agent}`, `{`+ready+`}`, "Base=Agent", "Visibility=Assigned", "Ready=True"),
		Entry(nil, "profileroles", "ProfileRole", ``, `{permissionCount: 7, conditions: [`+condition("Ready")+`, `+condition("IncludesAcyclic")+`]}`, "Permissions=7", "Acyclic=True", "Ready=True"),
		Entry(nil, "profiles", "Profile", `{type: Social, platform: X, language: fr-CA}`, ``, "Type=Social", "Platform=X", "Language=fr-CA", "State=Enabled"),
		Entry(nil, "teammates", "Teammate", person(`accountRoleRef: {name: agent}`), `{displayName: Ana Tremblay, phase: Active}`, "Name=Ana Tremblay", "Phase=Active", "Role=agent", "Availability=Available"),
		Entry(nil, "usergroups", "UserGroup", ``, `{memberCount: 4, profileCount: 2, conditions: [`+condition("PermissionSetCurrent")+`]}`, "State=Enabled", "Scope=Organization", "Members=4", "Profiles=2", "Set-Current=True"),
		Entry(nil, "departments", "Department", `{default: true, routing: {mode: Pooled}}`, `{groupCount: 2, conditions: [`+condition("Routable")+`]}`, "Mode=Pooled", "Groups=2", "Routable=True", "Default=true"),
		Entry(nil, "queues", "Queue", ``, `{conditions: [`+condition("Ready")+`, `+condition("Routable")+`]}`, "Priority=50", "Routable=True", "Ready=True"),
		Entry(nil, "campaigns", "Campaign", `{mode: Progressive}`, `{`+ready+`}`, "Mode=Progressive", "State=Draft", "Ready=True"),
		Entry(nil, "downstreams", "Downstream", downstream(`driver: HTTP, http: {url: "https://a.example"}, records: [Users], mode: Upsert`), `{held: {count: 7}, conditions: [`+condition("Synced")+`]}`, "Driver=HTTP", "Mode=Upsert", "Synced=True", "Held=7"),
		Entry(nil, "mentions", "Mention", mention(``), `{phase: Pending, alertCount: 3, openCount: 2, alerts: [{name: ana, state: Pending}]}`, "Phase=Pending", "Alerts=3", "Open=2", "Source=Manual"),
		Entry(nil, "inboundautomations", "InboundAutomation", `{keywords: [a], actions: [{type: CloseConversation}], when: AfterHours}`, `{`+ready+`}`, "State=Enabled", "When=AfterHours", "Ready=True"),
		Entry(nil, "schedules", "Schedule", `{timeZone: Europe/Prague}`, `{open: false, `+ready+`}`, "Mode=Weekly", "Time-Zone=Europe/Prague", "Open=false", "Ready=True"),
	)

	It("prints columns of outputs", func(ctx context.Context) {
		for kind, status := range map[string]string{
			"EffectiveAccess": `{phase: Active, gate: {open: false, reason: Blocked}, counts: {profiles: 9}, truncated: true}`,
			"RoutePlan":       `{target: {kind: UserGroup, name: quebecois}, strategy: Sequential, candidateCount: 3, conditions: [` + condition("Routable") + `]}`,
		} {
			var content map[string]any
			Expect(yaml.UnmarshalStrict([]byte(status), &content)).To(Succeed())
			output := object(kind, "printed", "")
			output.Object["status"] = content
			Expect(strict().Create(ctx, output)).To(Succeed())
			DeferCleanup(func(ctx context.Context) { Expect(kube.Delete(ctx, output)).To(Succeed()) })
		}
		Expect(tableOf(ctx, "effectiveaccesses").Rows[0].Cells[:5]).To(HaveExactElements(Equal("printed"), Equal("Active"), Equal(false), BeEquivalentTo(9), Equal(true)))
		Expect(tableOf(ctx, "routeplans").Rows[0].Cells[:5]).To(HaveExactElements(Equal("printed"), Equal("quebecois"), Equal("Sequential"), BeEquivalentTo(3), Equal("True")))
	})

	It("serves every kind but Ledger in one category, by short names", func() {
		client, err := discovery.NewDiscoveryClientForConfig(kube.Config)
		Expect(err).NotTo(HaveOccurred())
		served, err := client.ServerResourcesForGroupVersion(rollcallv1.GroupVersion.String())
		Expect(err).NotTo(HaveOccurred())
		shortNames := make(map[string]string)
		for _, resource := range served.APIResources {
			Expect(resource.Namespaced).To(BeTrue(), resource.Name)
			switch {
			case resource.Name == "ledgers":
				Expect(resource.Categories).To(BeEmpty())
				Expect(resource.ShortNames).To(BeEmpty())
			case len(resource.ShortNames) == 1:
				Expect(resource.Categories).To(ConsistOf("rollcall"), resource.Name)
				shortNames[resource.ShortNames[0]] = resource.Kind
			default:
				Expect(resource.Name).To(HaveSuffix("/status"))
			}
		}
		Expect(shortNames).To(Equal(map[string]string{
			"org": "Organization", "ar": "AccountRole", "profrole": "ProfileRole", "prof": "Profile", "tm": "Teammate", "ug": "UserGroup",
			"dept": "Department", "que": "Queue", "camp": "Campaign", "down": "Downstream", "ment": "Mention", "iauto": "InboundAutomation", "sched": "Schedule", "ea": "EffectiveAccess", "rplan": "RoutePlan",
		}))
	})

	It("takes statuses apart from specs on inputs only", func(ctx context.Context) {
		stored(ctx, "Teammate", "split", person(`firstName: Ana`), `{phase: Active}`)
		teammate := object("Teammate", "split", "")
		Expect(kube.Get(ctx, client.ObjectKeyFromObject(teammate), teammate)).To(Succeed())
		Expect(unstructured.SetNestedField(teammate.Object, "Blocked", "status", "phase")).To(Succeed())
		Expect(kube.Update(ctx, teammate)).To(Succeed())
		Expect(at(teammate, "status.phase")).To(Equal(`"Active"`))

		output := object("EffectiveAccess", "split", "")
		output.Object["status"] = map[string]any{"gate": map[string]any{"open": true}}
		Expect(kube.Create(ctx, output)).To(Succeed())
		DeferCleanup(func(ctx context.Context) { Expect(kube.Delete(ctx, output)).To(Succeed()) })
		Expect(at(output, "status.gate.open")).To(Equal(`true`))
	})
})

// condition is a condition that is True, in YAML.
func condition(name string) string {
	return `{type: ` + name + `, status: "True", reason: Tested, message: "", lastTransitionTime: "2027-01-01T00:00:00Z"}`
}

// ready is a list of conditions with Ready in it, in YAML.
var ready = `conditions: [` + condition("Ready") + `]`

// tableOf is what kubectl get prints of the resource, which must have one object.
func tableOf(ctx context.Context, resource string) *metav1.Table {
	GinkgoHelper()
	kinds, err := discovery.NewDiscoveryClientForConfig(kube.Config)
	Expect(err).NotTo(HaveOccurred())
	printed, err := kinds.RESTClient().Get().AbsPath("/apis", rollcallv1.GroupName, rollcallv1.GroupVersion.Version, "namespaces", namespace, resource).
		SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").DoRaw(ctx)
	Expect(err).NotTo(HaveOccurred())
	table := new(metav1.Table)
	Expect(json.Unmarshal(printed, table)).To(Succeed())
	Expect(table.Rows).To(HaveLen(1))
	return table
}
