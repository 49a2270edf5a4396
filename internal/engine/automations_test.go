package engine_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rollcall-dev/rollcall/internal/lint"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// what an automation names and does not find is reported, and healed when it appears, whatever the order.
func TestReferencesOfAutomations(t *testing.T) {
	w := found(t, `InboundAutomation refunds {keywords: [refund], practices: [{name: north}], profiles: [{name: p}], actions: [
  {type: Mention, mention: {groups: [{name: g}]}}, {type: CloseConversation}, {type: Mention, mention: {teammates: [{name: t}]}}]}
InboundAutomation thanks {keywords: [thanks], actions: [{type: CloseConversation}]}
`)
	refunds := lint.Object{Kind: roster.KindInboundAutomation, Name: "refunds"}
	expect := func(what, name, ready, resolved, message string) {
		t.Helper()
		conditions := w.Lint.InboundAutomation(name).Conditions
		if got := says(conditions, "Ready"); got != ready {
			t.Errorf("%s: Ready is %s", what, got)
		}
		if got := says(conditions, "ReferencesResolved"); got != resolved {
			t.Errorf("%s: ReferencesResolved is %s", what, got)
		}
		for _, c := range conditions {
			if c.Type == "ReferencesResolved" && !strings.Contains(c.Message, message) {
				t.Errorf("%s: %s", what, c.Message)
			}
		}
	}
	expect("nothing named", "thanks", "True/AsExpected", "True/AsExpected", "")
	expect("nothing there", "refunds", "True/AsExpected", "False/UnresolvedReference", `spec.practices names practice "north"`)
	for _, step := range []struct{ object, missing string }{
		{"Organization default {practices: [{name: north}]}", `spec.profiles names Profile "p"`},
		{"Profile p {type: Chat}", `groups names UserGroup "g"`},
		{"UserGroup g {}", `teammates names Teammate "t"`},
	} {
		w.apply(step.object)
		expect(step.object, "refunds", "True/AsExpected", "False/UnresolvedReference", step.missing)
	}
	w.apply("Teammate t {}")
	expect("all there", "refunds", "True/AsExpected", "True/AsExpected", "")
	if fmt.Sprint(w.touched.Inputs) != fmt.Sprint([]lint.Object{refunds, {Kind: roster.KindTeammate, Name: "t"}}) {
		t.Errorf("touched: %v", w.touched.Inputs)
	}
	w.remove("UserGroup/g")
	expect("a group is gone", "refunds", "True/AsExpected", "False/UnresolvedReference", `UserGroup "g"`)
	w.remove("InboundAutomation/refunds")
	if got := w.Lint.InboundAutomation("refunds").Conditions; got != nil {
		t.Errorf("%v", got)
	}
}

// all Mention actions of an automation make one Mention; what does not fit into it is said.
func TestAutomationsThatDoNotFit(t *testing.T) {
	groups := func(prefix string) string {
		var all []string
		for i := range 50 {
			all = append(all, fmt.Sprintf("{name: %s%d}", prefix, i))
		}
		return "{type: Mention, mention: {groups: [" + strings.Join(all, ", ") + "]}}"
	}
	w := found(t, "InboundAutomation a {keywords: [x], actions: ["+groups("g")+", "+groups("g")+"]}\nInboundAutomation b {keywords: [x], actions: ["+groups("g")+", "+groups("h")+"]}\n")
	if got := says(w.Lint.InboundAutomation("a").Conditions, "Ready"); got != "True/AsExpected" {
		t.Errorf("the same groups twice: %s", got)
	}
	b := w.Lint.InboundAutomation("b").Conditions
	if says(b, "Ready") != "False/Invalid" || says(b, "Stalled") != "True/Invalid" || !strings.Contains(b[0].Message, "groups") {
		t.Errorf("%v", b)
	}
}
