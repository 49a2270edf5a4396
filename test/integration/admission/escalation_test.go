package admission_test

import (
	"context"
	"fmt"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/roster"
	"github.com/rollcall-dev/rollcall/test/integration/cluster"
)

// Everybody who holds one of the shipped ClusterRoles tries every path by which a role, a supervisor seat or a permission can be given
// (QUALITY, Safety 17), and may go on exactly those that API section 6 opens to it. Nothing else is allowed to anybody.
var _ = Describe("Escalation", Ordered, func() {
	const (
		o     = "owner"
		a     = "owner administrator"
		m     = "owner administrator manager"
		s     = "owner administrator supervisor"
		ms    = "owner administrator manager supervisor"
		msa   = "owner administrator manager supervisor agent"
		none  = ""
		block = `{state: Blocked, blockedFrom: "2027-01-01T00:00:00Z", blockedUntil: "2027-01-02T00:00:00Z"}`
	)
	var t *tenant
	BeforeAll(func(ctx context.Context) {
		t = newTenant(ctx, rollcallv1.PresetCustom, nil, `
			Teammate boss {accountRoleRef: {name: owner}}
			Teammate adam {accountRoleRef: {name: administrator}}
			Teammate ana {accountRoleRef: {name: agent}}
			Teammate plain
			Teammate odd {accountRoleRef: {name: custom}}
			Teammate shut {accountRoleRef: {name: agent}, lifecycle: `+block+`}
			Teammate gone {accountRoleRef: {name: agent}, lifecycle: {state: Archived}}
			AccountRole agent {baseType: Agent, permissions: [conversations.handle]}
			AccountRole custom {baseType: Agent, permissions: [users.view]}
			AccountRole strong {baseType: Agent, permissions: ["*"]}
			AccountRole owner {baseType: Owner, permissions: ["*"]}
			ProfileRole view-only {permissions: ["*.view"]}
			ProfileRole custom {permissions: [care.delete]}
			UserGroup desk {members: [{name: ana}], supervisors: [{name: ana}], permissionSet: {profileRoleRef: {name: view-only}}}
			UserGroup kept {deletionPolicy: DisableOnly}
			Profile web {type: Chat}
			Department care
			Schedule hours
			Downstream hooks {driver: HTTP, http: {url: "https://hooks.example"}, records: [Users], credentialsSecretRef: {name: hooks}}
			Downstream roles {driver: KubernetesRBAC, kubernetesRBAC: {}, records: [Access]}
			Downstream bound {driver: KubernetesRBAC, kubernetesRBAC: {bindings: [{name: agent, clusterRole: view}]}, records: [Access]}
			Mention asked {conversation: {externalID: c-1}, groups: [{name: desk}]}
			Mention settled {conversation: {externalID: c-2}, groups: [{name: desk}], resolutions: [{name: ana, username: ana, action: Resolve}]}
			InboundAutomation refunds {keywords: [refund], actions: [{type: Mention, mention: {groups: [{name: desk}]}}]}
			UserGroup marked {deletionPolicy: DisableOnly} metadata {annotations: {rollcall.dev/allow-delete: "true"}}`)
		for _, name := range []string{"EffectiveAccess/boss", "RoutePlan/department-care"} {
			Expect(kube.Create(ctx, t.object(name))).To(Succeed())
		}
		ledger := t.object("Ledger/keys-0")
		ledger.Object["record"], ledger.Object["shard"] = "Keys", int64(0)
		Expect(kube.Create(ctx, ledger)).To(Succeed())
	})

	create := func(text string) func(context.Context, *actor) error {
		return func(ctx context.Context, a *actor) error { return a.creates(ctx, t, text) }
	}
	patch := func(object, patch string) func(context.Context, *actor) error {
		return func(ctx context.Context, a *actor) error { return a.patches(ctx, t, object, patch) }
	}
	remove := func(object string) func(context.Context, *actor) error {
		return func(ctx context.Context, a *actor) error { return a.deletes(ctx, t, object) }
	}
	status := func(object, fields string) func(context.Context, *actor) error {
		return func(ctx context.Context, a *actor) error {
			return a.Status().Patch(ctx, t.object(object), merge("{status: "+fields+"}"), client.DryRunAll)
		}
	}
	// put is what kubectl replace does: the whole object, with the role changed.
	put := func(role string) func(context.Context, *actor) error {
		return func(ctx context.Context, a *actor) error {
			object := t.object("Teammate/ana")
			Expect(kube.Get(ctx, client.ObjectKeyFromObject(object), object)).To(Succeed())
			Expect(unstructured.SetNestedField(object.Object, role, "spec", "accountRoleRef", "name")).To(Succeed())
			return a.Update(ctx, object, client.DryRunAll)
		}
	}
	// apply is server-side apply, of an object that is there or not.
	apply := func(name, role string) func(context.Context, *actor) error {
		return func(ctx context.Context, a *actor) error {
			object := t.object("Teammate/" + name)
			object.Object["spec"] = map[string]any{"accountRoleRef": map[string]any{"name": role}, "identity": map[string]any{"email": name + "@fjordline.example"}}
			return a.Apply(ctx, client.ApplyConfigurationFromUnstructured(object), client.ForceOwnership, client.FieldOwner("test"), client.DryRunAll)
		}
	}
	generate := func(role string) func(context.Context, *actor) error {
		return func(ctx context.Context, a *actor) error {
			object := t.objects("Teammate fresh {accountRoleRef: {name: " + role + "}}")[0]
			object.SetName("")
			object.SetGenerateName("fresh-")
			return a.Create(ctx, object, client.DryRunAll)
		}
	}
	// tells makes a mention, and settles adds a resolution; USER stands for the name of whoever tries.
	tells := func(text string) func(context.Context, *actor) error {
		return func(ctx context.Context, a *actor) error {
			return a.creates(ctx, t, `Mention told {conversation: {externalID: c-3}, teammates: [{name: ana}], `+strings.ReplaceAll(text, "USER", a.name)+`}`)
		}
	}
	settles := func(object, entries string) func(context.Context, *actor) error {
		return func(ctx context.Context, a *actor) error {
			return a.patches(ctx, t, object, `{spec: {resolutions: `+strings.ReplaceAll(entries, "USER", a.name)+`}}`)
		}
	}
	all := func(object client.Object) func(context.Context, *actor) error {
		return func(ctx context.Context, a *actor) error { return a.DeleteAllOf(ctx, object, inNamespace(t), dryRun()) }
	}

	type path struct {
		allowed string
		try     func(context.Context, *actor) error
	}
	paths := map[string]map[string]path{
		"account roles of people": {
			"create an Owner":                          {o, create(`Teammate eve {accountRoleRef: {name: owner}}`)},
			"create an administrator":                  {a, create(`Teammate eve {accountRoleRef: {name: administrator}}`)},
			"create an enterprise person":              {a, create(`Teammate eve {accountRoleRef: {name: enterprise}}`)},
			"create a manager":                         {a, create(`Teammate eve {accountRoleRef: {name: manager}}`)},
			"create a supervisor":                      {m, create(`Teammate eve {accountRoleRef: {name: supervisor}}`)},
			"create an agent":                          {m, create(`Teammate eve {accountRoleRef: {name: agent}}`)},
			"create somebody without a role":           {m, create(`Teammate eve`)},
			"create somebody with a custom role":       {o, create(`Teammate eve {accountRoleRef: {name: custom}}`)},
			"create an Owner under a generated name":   {o, generate("owner")},
			"create an Owner by apply":                 {o, apply("eve", "owner")},
			"create an agent by apply":                 {m, apply("eve", "agent")},
			"make an agent an Owner":                   {o, patch("Teammate/ana", `{spec: {accountRoleRef: {name: owner}}}`)},
			"make an agent an Owner by update":         {o, put("owner")},
			"make an agent an Owner by apply":          {o, apply("ana", "owner")},
			"make an agent an administrator":           {a, patch("Teammate/ana", `{spec: {accountRoleRef: {name: administrator}}}`)},
			"make an agent an administrator by update": {a, put("administrator")},
			"make an agent a supervisor":               {m, patch("Teammate/ana", `{spec: {accountRoleRef: {name: supervisor}}}`)},
			"give an agent a custom role":              {o, patch("Teammate/ana", `{spec: {accountRoleRef: {name: custom}}}`)},
			"make an agent hold the default role":      {m, patch("Teammate/ana", `{spec: {accountRoleRef: null}}`)},
			"make an Owner an agent":                   {o, patch("Teammate/boss", `{spec: {accountRoleRef: {name: agent}}}`)},
			"make an administrator an agent":           {a, patch("Teammate/adam", `{spec: {accountRoleRef: {name: agent}}}`)},
			"take a custom role away":                  {o, patch("Teammate/odd", `{spec: {accountRoleRef: {name: agent}}}`)},
			"delete an Owner":                          {o, remove("Teammate/boss")},
			"delete an administrator":                  {a, remove("Teammate/adam")},
			"delete an agent":                          {a, remove("Teammate/ana")},
			"delete everybody":                         {o, all(&rollcallv1.Teammate{})},
			"default everybody to Owner":               {o, patch("Organization/default", `{spec: {defaultAccountRoleRef: {name: owner}}}`)},
			"default everybody to a custom role":       {o, patch("Organization/default", `{spec: {defaultAccountRoleRef: {name: custom}}}`)},
			"default everybody to administrator":       {a, patch("Organization/default", `{spec: {defaultAccountRoleRef: {name: administrator}}}`)},
			"switch the Owner gate off":                {a, patch("Organization/default", `{spec: {policies: {ownerAssignment: Manual}}}`)},
			"say that an Owner is the directory's":     {o, patch("Teammate/boss", `{spec: {identity: {directoryTenantAdmin: true}}}`)},
			"delete the Organization":                  {none, remove("Organization/default")},
			"allow the deletion of the Organization":   {a, patch("Organization/default", `{metadata: {annotations: {rollcall.dev/allow-delete: "true"}}}`)},
		},
		"accounts of others": {
			"an Owner's username":                           {o, patch("Teammate/boss", `{spec: {identity: {username: me}}}`)},
			"an Owner's e-mail":                             {o, patch("Teammate/boss", `{spec: {identity: {email: me@x.example}}}`)},
			"an Owner's employee ID":                        {o, patch("Teammate/boss", `{spec: {identity: {employeeID: "1"}}}`)},
			"an Owner's directory ID":                       {o, patch("Teammate/boss", `{spec: {identity: {directoryID: "1"}}}`)},
			"an Owner's invitation":                         {o, patch("Teammate/boss", `{spec: {onboarding: {inviteToken: again}}}`)},
			"an Owner's first password":                     {o, patch("Teammate/boss", `{spec: {onboarding: {temporaryPasswordSecretRef: {name: mine, key: k}}}}`)},
			"an Owner's confirmation":                       {o, patch("Teammate/boss", `{metadata: {annotations: {rollcall.dev/confirmed-at: "2027-01-01T00:00:00Z"}}}`)},
			"an Owner's start":                              {o, patch("Teammate/boss", `{spec: {from: "2026-01-01T00:00:00Z"}}`)},
			"an Owner's end":                                {o, patch("Teammate/boss", `{spec: {until: "2026-01-01T00:00:00Z"}}`)},
			"an administrator's username":                   {a, patch("Teammate/adam", `{spec: {identity: {username: me}}}`)},
			"an agent's username":                           {m, patch("Teammate/ana", `{spec: {identity: {username: me}}}`)},
			"a username of Kubernetes":                      {none, patch("Teammate/ana", `{spec: {identity: {username: "system:masters"}}}`)},
			"the username of someone with the default role": {m, patch("Teammate/plain", `{spec: {identity: {username: me}}}`)},
		},
		"contents of roles": {
			"edit agent":                        {a, patch("AccountRole/agent", `{spec: {permissions: [users.view]}}`)},
			"let agent own the organization":    {o, patch("AccountRole/agent", `{spec: {permissions: ["*"]}}`)},
			"let agent own it by a narrow word": {o, patch("AccountRole/agent", `{spec: {permissions: [organization.own]}}`)},
			"let agent own it by module":        {o, patch("AccountRole/agent", `{spec: {permissions: ["organization.*"]}}`)},
			"let agent own it by verb":          {o, patch("AccountRole/agent", `{spec: {permissions: ["*.own"]}}`)},
			"take the denies from agent":        {a, patch("AccountRole/agent", `{spec: {denies: null, profileCeiling: ["*"]}}`)},
			"edit a custom role":                {o, patch("AccountRole/custom", `{spec: {permissions: [users.edit]}}`)},
			"weaken a strong custom role":       {o, patch("AccountRole/strong", `{spec: {permissions: [users.edit]}}`)},
			"edit owner":                        {o, patch("AccountRole/owner", `{spec: {permissions: ["*.view"]}}`)},
			"override administrator":            {a, create(`AccountRole administrator {baseType: Administrator, permissions: [users.view]}`)},
			"override administrator as Owner":   {o, create(`AccountRole administrator {baseType: Owner, permissions: [users.view]}`)},
			"create a custom role":              {o, create(`AccountRole mine {baseType: Agent, permissions: [users.view]}`)},
			"delete agent":                      {a, remove("AccountRole/agent")},
			"delete a custom role":              {o, remove("AccountRole/custom")},
			"delete owner":                      {o, remove("AccountRole/owner")},
			"delete all account roles":          {o, all(&rollcallv1.AccountRole{})},
			"edit a built-in profile role":      {a, patch("ProfileRole/view-only", `{spec: {permissions: ["*"]}}`)},
			"edit a custom profile role":        {a, patch("ProfileRole/custom", `{spec: {permissions: ["*"]}}`)},
			"include in a custom profile role":  {a, patch("ProfileRole/custom", `{spec: {includes: [{name: create-publish}]}}`)},
			"override create":                   {a, create(`ProfileRole create {permissions: ["*"]}`)},
			"take the Organization's denies":    {a, patch("Organization/default", `{spec: {denies: []}}`)},
		},
		"permissions on profiles": {
			"a built-in role for a group":              {m, patch("UserGroup/desk", `{spec: {permissionSet: {profileRoleRef: {name: create-publish}}}}`)},
			"a custom role for a group":                {a, patch("UserGroup/desk", `{spec: {permissionSet: {profileRoleRef: {name: custom}}}}`)},
			"a custom role for a new group":            {a, create(`UserGroup mine {permissionSet: {profileRoleRef: {name: custom}}}`)},
			"a built-in role for one person's profile": {a, patch("Teammate/ana", `{spec: {profiles: [{name: web, profileRoleRef: {name: view-only}}]}}`)},
			"a custom role for one person's practice":  {a, patch("Teammate/ana", `{spec: {practices: [{name: north, profileRoleRef: {name: custom}}]}}`)},
			"a built-in default role for one person":   {m, patch("Teammate/ana", `{spec: {defaultProfileRoleRef: {name: create-publish}}}`)},
			"a custom default role for one person":     {a, patch("Teammate/ana", `{spec: {defaultProfileRoleRef: {name: custom}}}`)},
			"a default role for everybody":             {a, patch("Organization/default", `{spec: {defaultProfileRoleRef: {name: create-publish}}}`)},
			"all profiles for one person":              {m, patch("Teammate/ana", `{spec: {assignAllProfiles: true}}`)},
			"members of a group":                       {m, patch("UserGroup/desk", `{spec: {members: [{name: plain}]}}`)},
			"profiles of a group":                      {m, patch("UserGroup/desk", `{spec: {profiles: [{name: web}]}}`)},
			"groups of a person":                       {m, patch("Teammate/ana", `{spec: {groups: [{name: desk}]}}`)},
			"labels by which groups select":            {m, patch("Teammate/ana", `{metadata: {labels: {team: desk}}}`)},
		},
		"seats, states and safeguards": {
			"appoint a supervisor":               {m, patch("UserGroup/desk", `{spec: {supervisors: [{name: ana}, {name: plain}]}}`)},
			"dismiss a supervisor":               {m, patch("UserGroup/desk", `{spec: {supervisors: null}}`)},
			"create a group with a supervisor":   {m, create(`UserGroup mine {supervisors: [{name: plain}]}`)},
			"a team leader":                      {m, patch("Teammate/ana", `{spec: {teamLeaderRef: {name: plain}}}`)},
			"the right to lead":                  {m, patch("Teammate/ana", `{spec: {canManageTeams: true}}`)},
			"availability":                       {ms, patch("Teammate/ana", `{spec: {availability: Inactive}}`)},
			"approval of a card":                 {s, patch("Teammate/ana", `{spec: {card: {approval: {state: Approved, cardHash: abc}}}}`)},
			"approval of a card on creation":     {a, create(`Teammate eve {accountRoleRef: {name: agent}, card: {approval: {state: Approved}}}`)},
			"skills, limits and absences":        {ms, patch("Teammate/ana", `{spec: {skills: [{name: french}], maxChats: 3, absences: [{name: summer}]}}`)},
			"tags":                               {m, patch("Teammate/ana", `{spec: {tags: [{name: vip}]}}`)},
			"block":                              {a, patch("Teammate/ana", `{spec: {lifecycle: `+block+`}}`)},
			"end a block":                        {a, patch("Teammate/shut", `{spec: {lifecycle: null}}`)},
			"archive":                            {a, patch("Teammate/ana", `{spec: {lifecycle: {state: Archived}}}`)},
			"bring back from the archive":        {a, patch("Teammate/gone", `{spec: {lifecycle: null}}`)},
			"create archived":                    {a, create(`Teammate eve {accountRoleRef: {name: agent}, lifecycle: {state: Archived}}`)},
			"allow the deletion of a kept group": {a, patch("UserGroup/kept", `{metadata: {annotations: {rollcall.dev/allow-delete: "true"}}}`)},
			"create a group with the allowance":  {a, create(`UserGroup mine {} metadata {annotations: {rollcall.dev/allow-delete: "true"}}`)},
			"delete a kept group":                {none, remove("UserGroup/kept")},
			"delete a group with the allowance":  {m, remove("UserGroup/marked")},
		},
		"mentions": {
			"a mention in one's own name":                 {msa, tells(`source: {type: Manual, username: USER}`)},
			"a mention in nobody's name":                  {msa, tells(`message: Hello`)},
			"a mention in another name":                   {a, tells(`source: {type: Manual, username: boss}`)},
			"a mention as a teammate":                     {a, tells(`source: {type: Manual, teammateRef: {name: boss}}`)},
			"a mention as a teammate, with one's own":     {a, tells(`source: {type: Manual, username: USER, teammateRef: {name: boss}}`)},
			"a mention of an automation":                  {a, tells(`source: {type: Automation, automationRef: {name: refunds}}`)},
			"a mention of a flow":                         {a, tells(`source: {type: Flow}`)},
			"a mention settled by oneself from the start": {msa, tells(`resolutions: [{name: ana, username: USER, action: Resolve}]`)},
			"a mention settled by another from the start": {a, tells(`resolutions: [{name: ana, username: ana, action: Resolve}]`)},
			"another source afterwards":                   {none, patch("Mention/asked", `{spec: {source: {type: Flow}}}`)},
			"more people afterwards":                      {none, patch("Mention/asked", `{spec: {teammates: [{name: plain}]}}`)},
			"another conversation afterwards":             {none, patch("Mention/asked", `{spec: {conversation: {externalID: c-9}}}`)},
			"access for longer":                           {none, patch("Mention/asked", `{spec: {ttl: 8760h}}`)},
			"a resolution in one's own name":              {msa, settles("Mention/asked", `[{name: ana, username: USER, action: CloseAndResolve}]`)},
			"a resolution in another name":                {a, settles("Mention/asked", `[{name: ana, username: ana, action: Resolve}]`)},
			"a resolution in nobody's name":               {a, settles("Mention/asked", `[{name: ana, action: Resolve}]`)},
			"both":                                        {a, settles("Mention/asked", `[{name: ana, username: USER, action: Resolve}, {name: plain, action: Resolve}]`)},
			"one more beside another's":                   {msa, settles("Mention/settled", `[{name: plain, username: USER, action: Resolve}, {name: ana, username: ana, action: Resolve}]`)},
			"one in another's place":                      {msa, settles("Mention/settled", `[{name: plain, username: USER, action: Resolve}]`)},
			"another's under another name":                {a, settles("Mention/settled", `[{name: plain, username: ana, action: Resolve}]`)},
			"another's changed":                           {none, settles("Mention/settled", `[{name: ana, username: USER, action: Resolve}]`)},
			"deletion of a mention":                       {m, remove("Mention/asked")},
			"an automation that mentions":                 {m, create(`InboundAutomation mine {keywords: [a], actions: [{type: Mention, mention: {groups: [{name: desk}]}}]}`)},
			"whom an automation mentions":                 {m, patch("InboundAutomation/refunds", `{spec: {actions: [{type: Mention, mention: {teammates: [{name: plain}]}}]}}`)},
		},
		"connected systems": {
			"a new one":                          {a, create(`Downstream mine {driver: HTTP, http: {url: "https://mine.example"}, records: [Users], credentialsSecretRef: {name: hooks}}`)},
			"another address":                    {a, patch("Downstream/hooks", `{spec: {http: {url: "https://mine.example"}}}`)},
			"a wider mode":                       {a, patch("Downstream/roles", `{spec: {mode: Full}}`)},
			"bindings by default":                {a, create(`Downstream mine {driver: KubernetesRBAC, kubernetesRBAC: {}, records: [Access]}`)},
			"bindings on creation":               {none, create(`Downstream mine {driver: KubernetesRBAC, kubernetesRBAC: {bindings: [{name: agent, clusterRole: cluster-admin}]}, records: [Access]}`)},
			"bindings":                           {none, patch("Downstream/roles", `{spec: {kubernetesRBAC: {bindings: [{name: agent, clusterRole: cluster-admin}]}}}`)},
			"another ClusterRole":                {none, patch("Downstream/bound", `{spec: {kubernetesRBAC: {bindings: [{name: agent, clusterRole: cluster-admin}]}}}`)},
			"another account role":               {none, patch("Downstream/bound", `{spec: {kubernetesRBAC: {bindings: [{name: viewer, clusterRole: view}]}}}`)},
			"a binding removed":                  {none, patch("Downstream/bound", `{spec: {kubernetesRBAC: {bindings: null}}}`)},
			"what has bindings, otherwise":       {a, patch("Downstream/bound", `{spec: {resyncInterval: 1h}}`)},
			"approval of removals":               {a, patch("Downstream/hooks", `{metadata: {annotations: {rollcall.dev/approve-removals: abc}}}`)},
			"approval of removals on creation":   {a, create(`Downstream mine {driver: KubernetesRBAC, kubernetesRBAC: {}, records: [Access]} metadata {annotations: {rollcall.dev/approve-removals: abc}}`)},
			"dropping the finalizer by override": {a, patch("Downstream/hooks", `{metadata: {annotations: {rollcall.dev/force-finalize: "true"}}}`)},
			"deletion":                           {a, remove("Downstream/hooks")},
		},
		"what only the operator writes": {
			"status of a Teammate":           {none, status("Teammate/ana", `{confirmedAt: "2027-01-01T00:00:00Z", directReports: 0}`)},
			"status of a UserGroup":          {none, status("UserGroup/desk", `{departmentCount: 0, memberCount: 0, directMemberCount: 0, profileCount: 0}`)},
			"status of an AccountRole":       {none, status("AccountRole/agent", `{hash: abc}`)},
			"status of a ProfileRole":        {none, status("ProfileRole/custom", `{hash: abc}`)},
			"status of a Profile":            {none, status("Profile/web", `{}`)},
			"status of a Department":         {none, status("Department/care", `{groupCount: 0}`)},
			"status of a Schedule":           {none, status("Schedule/hours", `{open: true}`)},
			"status of a Mention":            {none, status("Mention/asked", `{phase: Pending, alertCount: 1, openCount: 1, alerts: [{name: plain, state: Pending}]}`)},
			"status of an InboundAutomation": {none, status("InboundAutomation/refunds", `{}`)},
			"status of a Downstream":         {none, status("Downstream/hooks", `{held: {count: 0}}`)},
			"status of the Organization":     {none, status("Organization/default", `{resolvedPolicies: {groupDeletion: Allow}}`)},
			"an EffectiveAccess":             {none, patch("EffectiveAccess/boss", `{status: {gate: {open: true}}}`)},
			"a new EffectiveAccess":          {none, createObject(func() client.Object { return t.object("EffectiveAccess/me") })},
			"deletion of an EffectiveAccess": {none, remove("EffectiveAccess/boss")},
			"all EffectiveAccesses":          {none, all(&rollcallv1.EffectiveAccess{})},
			"a RoutePlan":                    {none, patch("RoutePlan/department-care", `{status: {strategy: Random}}`)},
			"a new RoutePlan":                {none, createObject(func() client.Object { return t.object("RoutePlan/me") })},
			"deletion of a RoutePlan":        {none, remove("RoutePlan/department-care")},
			"the Ledger":                     {none, patch("Ledger/keys-0", `{keys: []}`)},
			"deletion of the Ledger":         {none, remove("Ledger/keys-0")},
			"the whole Ledger":               {none, all(&rollcallv1.Ledger{})},
		},
		"Kubernetes itself": {
			"a RoleBinding to rollcall-owner": {none, createObject(func() client.Object {
				return &rbacv1.RoleBinding{
					ObjectMeta: metav1.ObjectMeta{Name: "me", Namespace: t.namespace},
					RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "rollcall-owner"},
					Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "me"}},
				}
			})},
			"a Secret": {none, createObject(func() client.Object {
				return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "mine", Namespace: t.namespace}}
			})},
			"reading Secrets": {none, func(ctx context.Context, a *actor) error { return a.List(ctx, &corev1.SecretList{}, inNamespace(t)) }},
			"the policies":    {none, createObject(func() client.Object { return &policy{ObjectMeta: metav1.ObjectMeta{Name: "mine"}} })},
			"another tenant": {none, func(ctx context.Context, a *actor) error {
				return a.List(ctx, &rollcallv1.TeammateList{}, client.InNamespace("default"))
			}},
		},
	}
	for group, entries := range paths {
		It("is not possible by "+group, func(ctx context.Context) {
			for _, role := range shipped {
				a := as(user(role))
				for name, p := range entries {
					err := p.try(ctx, a)
					if slices.Contains(strings.Fields(p.allowed), role) {
						Expect(err).To(beAdmitted(), "%s: %s", role, name)
						continue
					}
					Expect(err).To(HaveOccurred(), "%s: %s", role, name)
					if apierrors.IsInvalid(err) { // layer 1: nobody may
						Expect(p.allowed).To(BeEmpty(), "%s: %s", role, name)
						continue
					}
					Expect(err).To(Or(beForbiddenByRBAC(), beDenied("ACT-1|ACT-2|ACT-3|ACT-4|ACT-5|ACT-6|ACT-7|ACT-8|ACT-9|ACT-10|ACT-11|ACT-12|ACT-13|VAP-4|VAP-15")), "%s: %s", role, name)
				}
			}
		})
	}
})

func createObject(object func() client.Object) func(context.Context, *actor) error {
	return func(ctx context.Context, a *actor) error { return a.Create(ctx, object(), client.DryRunAll) }
}

var _ = Describe("The shipped ClusterRoles", func() {
	outputs := []string{"effectiveaccesses", "routeplans", "ledgers"}
	custom := []string{"assign", "assign-supervisors", "set-availability", "approve-card", "block", "archive", "override", "mention-for", "resolve-for", "edit"}
	ordinary := []string{"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"}
	// holds lists what the role allows as verb resource[:name].
	holds := func(role string) map[string]bool {
		GinkgoHelper()
		roles := typed[rbacv1.ClusterRole](cluster.Kustomized("config/rbac"), "ClusterRole")
		i := slices.IndexFunc(roles, func(r rbacv1.ClusterRole) bool { return r.Name == "rollcall-"+role })
		Expect(i).To(BeNumerically(">=", 0), role)
		all := make(map[string]bool)
		for _, rule := range roles[i].Rules {
			Expect(rule.APIGroups).To(Equal([]string{"rollcall.dev"}), role)
			Expect(rule.NonResourceURLs).To(BeEmpty(), role)
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					for _, name := range append(slices.Clone(rule.ResourceNames), "")[:max(1, len(rule.ResourceNames))] {
						key := verb + " " + resource
						if name != "" {
							key += ":" + name
						}
						all[key] = true
					}
				}
			}
		}
		return all
	}
	want := func(sets ...[]string) map[string]bool {
		all := make(map[string]bool)
		for _, set := range sets {
			for _, key := range set {
				all[key] = true
			}
		}
		return all
	}
	times := func(verbs, resources []string) []string {
		var all []string
		for _, verb := range verbs {
			for _, resource := range resources {
				all = append(all, verb+" "+resource)
			}
		}
		return all
	}
	named := func(prefix string, names []string) []string {
		var all []string
		for _, name := range names {
			all = append(all, prefix+":"+name)
		}
		return all
	}
	read := []string{"get", "list", "watch"}
	without := func(all []string, some ...string) []string {
		return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(some, s) })
	}

	It("M-06, V-02: are those of API section 6", func() {
		supervisorSeats := times([]string{"assign-supervisors"}, []string{"usergroups", "queues", "campaigns"})
		strong := slices.Concat(supervisorSeats, times([]string{"set-availability", "approve-card", "block", "archive", "edit"}, []string{"teammates"}),
			times([]string{"override"}, inputs), times([]string{"mention-for", "resolve-for"}, []string{"mentions"}), []string{"assign profileroles"})
		daily := []string{"teammates", "usergroups", "departments", "queues", "campaigns", "profiles", "schedules", "mentions", "inboundautomations"}

		Expect(holds("owner")).To(Equal(want(times(ordinary, inputs), times(read, outputs), strong, []string{"assign accountroles"})))
		Expect(holds("administrator")).To(Equal(want(times(ordinary, without(inputs, "organizations")), times(without(ordinary, "delete", "deletecollection"), []string{"organizations"}),
			times(read, outputs), strong, named("assign accountroles", append(without(roster.BuiltinAccountRoles, "owner"), "default")))))
		Expect(holds("manager")).To(Equal(want(times(ordinary, daily), times(read, inputs), times(read, without(outputs, "ledgers")), supervisorSeats,
			times([]string{"set-availability", "edit"}, []string{"teammates"}),
			named("assign accountroles", []string{"default", "supervisor", "team-leader", "agent", "staff", "viewer"}), named("assign profileroles", roster.BuiltinProfileRoles))))
		Expect(holds("supervisor")).To(Equal(want(times(read, inputs), times(read, without(outputs, "ledgers")), []string{"patch teammates", "create mentions", "patch mentions"},
			times([]string{"set-availability", "approve-card"}, []string{"teammates"}))))
		Expect(holds("agent")).To(Equal(want(times(read, []string{"teammates", "usergroups", "profiles", "mentions"}), []string{"create mentions", "patch mentions"})))
		Expect(holds("viewer")).To(Equal(want(times(read, inputs), times(read, without(outputs, "ledgers")))))
	})

	It("S-131: grant no status, no output, no Secret, no bind and nothing by aggregation", func() {
		for _, role := range typed[rbacv1.ClusterRole](cluster.Kustomized("config/rbac"), "ClusterRole") {
			Expect(role.AggregationRule).To(BeNil(), role.Name)
			for label := range role.Labels {
				Expect(label).NotTo(HavePrefix("rbac.authorization.k8s.io/"), role.Name)
			}
			if role.Name == "rollcall-operator" {
				continue
			}
			for _, rule := range role.Rules {
				Expect(rule.Verbs).To(HaveEach(BeElementOf(append(slices.Clone(ordinary), custom...))), role.Name)
				Expect(rule.Resources).To(HaveEach(And(Not(ContainSubstring("*")), Not(ContainSubstring("/")))), role.Name)
				for _, resource := range rule.Resources {
					if slices.Contains(outputs, resource) {
						Expect(read).To(ContainElements(rule.Verbs), fmt.Sprintf("%s on %s", role.Name, resource))
					}
				}
			}
		}
	})

	It("are not part of edit or admin of Kubernetes", func(ctx context.Context) {
		for _, name := range []string{"view", "edit", "admin"} {
			var role rbacv1.ClusterRole
			Expect(kube.Get(ctx, client.ObjectKey{Name: name}, &role)).To(Succeed())
			for _, rule := range role.Rules {
				Expect(rule.APIGroups).NotTo(ContainElement("rollcall.dev"), name)
			}
		}
	})
})
