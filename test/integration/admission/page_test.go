package admission_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/test/integration/cluster"
)

// docs/who-may-do-what.md says nothing that is not so.
var _ = Describe("The page on who may do what", func() {
	page := func() string {
		GinkgoHelper()
		content, err := os.ReadFile(filepath.Join(cluster.Root, "docs", "who-may-do-what.md"))
		Expect(err).NotTo(HaveOccurred())
		return string(content)
	}

	It("lists every rule and every ClusterRole", func() {
		for _, p := range policies("config/admission") {
			rule := strings.ToUpper(ruleOf.FindStringSubmatch(p.Name)[1])
			Expect(page()).To(MatchRegexp(`(?m)^\| `+rule+` \|`), rule)
		}
		for _, role := range shipped {
			Expect(page()).To(ContainSubstring("| `rollcall-" + role + "` |"))
		}
	})

	It("gives examples that work", func(ctx context.Context) {
		t := newTenant(ctx, rollcallv1.PresetCustom, nil, `
			Teammate ana
			Mention asked {conversation: {externalID: c-1}, teammates: [{name: ana}]}
			AccountRole auditor {baseType: Viewer, permissions: ["*.view"]}`)
		holders := make(map[string]*actor)
		for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(page(), -1) {
			if !strings.Contains(block[1], "kind: Role\n") {
				continue
			}
			var role rbacv1.Role
			Expect(yaml.UnmarshalStrict([]byte(block[1]), &role)).To(Succeed())
			name := "holder-" + role.Name
			t.grant(ctx, name, role.Rules...)
			holders[role.Name] = as(name)
		}
		Expect(holders).To(HaveLen(4))

		desk := holders["shift-desk"]
		Expect(desk.patches(ctx, t, "Teammate/ana", `{spec: {availability: Unavailable}}`)).To(beAdmitted())
		Expect(desk.patches(ctx, t, "Teammate/ana", `{spec: {tags: [{name: vip}]}}`)).To(beDenied("ACT-13"))
		personnel := holders["personnel"]
		Expect(personnel.patches(ctx, t, "Teammate/ana", `{spec: {lifecycle: {state: Archived}}}`)).To(beAdmitted())
		Expect(personnel.patches(ctx, t, "Teammate/ana", `{spec: {lifecycle: {state: Blocked, blockedFrom: "2027-01-01T00:00:00Z", blockedUntil: "2027-01-02T00:00:00Z"}}}`)).To(beAdmitted())
		Expect(personnel.patches(ctx, t, "Teammate/ana", `{spec: {accountRoleRef: {name: agent}}}`)).To(beDenied("ACT-1"))
		mentions := holders["mention-desk"]
		Expect(mentions.patches(ctx, t, "Mention/asked", `{spec: {resolutions: [{name: ana, action: Resolve}]}}`)).To(beAdmitted())
		Expect(mentions.creates(ctx, t, `Mention told {teammates: [{name: ana}], message: x, source: {type: Flow}}`)).To(beForbiddenByRBAC())
		audited := `{spec: {accountRoleRef: {name: auditor}}}`
		administrator := as(user("administrator"))
		Expect(administrator.patches(ctx, t, "Teammate/ana", audited)).To(beDenied("ACT-1"))
		t.bind(ctx, administrator.name, rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "holder-assign-auditor"})
		Eventually(func() error { return administrator.patches(ctx, t, "Teammate/ana", audited) }).Should(beAdmitted())
		// The message on the page is what the API server says.
		err := as(user("manager")).patches(ctx, t, "Teammate/ana", `{spec: {accountRoleRef: {name: administrator}}}`)
		said := regexp.MustCompile(`\s+`).ReplaceAllString(page(), " ")
		Expect(said).To(ContainSubstring(strings.ReplaceAll(err.Error(), user("manager"), "max")))
	})
})
