package automation

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"pgregory.net/rapid"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

func refs(names ...string) []rollcallv1.ObjectRef {
	var out []rollcallv1.ObjectRef
	for _, n := range names {
		out = append(out, rollcallv1.ObjectRef{Name: n})
	}
	return out
}

func practices(names ...string) []rollcallv1.AutomationPractice {
	var out []rollcallv1.AutomationPractice
	for _, n := range names {
		out = append(out, rollcallv1.AutomationPractice{Name: n})
	}
	return out
}

func mention(message string, groups, teammates []rollcallv1.ObjectRef) rollcallv1.AutomationAction {
	m := &rollcallv1.AutomationMention{Groups: groups, Teammates: teammates}
	if message != "" {
		m.Message = new(message)
	}
	return rollcallv1.AutomationAction{Type: rollcallv1.AutomationActionTypeMention, Mention: m}
}

var (
	respond = rollcallv1.AutomationAction{Type: rollcallv1.AutomationActionTypeSendResponse, SendResponse: &rollcallv1.AutomationResponse{Text: "We look into it."}}
	hangUp  = rollcallv1.AutomationAction{Type: rollcallv1.AutomationActionTypeCloseConversation}
)

// which events an automation is meant by. The office is open on weekdays from 9 to 17 in Toronto.
func TestMatch(t *testing.T) {
	office := &rollcallv1.Schedule{Spec: rollcallv1.ScheduleSpec{Weekly: []rollcallv1.WeeklyHours{{
		Days: []rollcallv1.Weekday{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday"}, Open: "09:00", Close: "17:00",
	}}}}
	organization := &rollcallv1.OrganizationSpec{TimeZone: "America/Toronto", ScheduleRef: &rollcallv1.ObjectRef{Name: "office"}}
	hours := Hours(organization, "", func(string) *rollcallv1.Schedule { return office })
	opens := time.Date(2027, 3, 1, 14, 0, 0, 0, time.UTC)
	closes := opens.Add(8 * time.Hour)
	event := Event{Source: "/crm", ID: "1", Practice: "north", Profile: "line-1", ConversationID: "c-1", Message: "a refund please"}
	tests := map[string]struct {
		spec  rollcallv1.InboundAutomationSpec
		event func(*Event)
		at    time.Time
		// unlisted and absent are what the Organization and the namespace do not have.
		unlisted, absent bool
		want             Reason
	}{
		"nothing asked but the keyword": {},
		"disabled":                      {spec: rollcallv1.InboundAutomationSpec{State: rollcallv1.SwitchDisabled}, want: ReasonDisabled},
		"enabled":                       {spec: rollcallv1.InboundAutomationSpec{State: rollcallv1.SwitchEnabled}},
		"its practice":                  {spec: rollcallv1.InboundAutomationSpec{Practices: practices("south", "north")}},
		"another practice":              {spec: rollcallv1.InboundAutomationSpec{Practices: practices("south")}, want: ReasonPractices},
		"no practice known":             {spec: rollcallv1.InboundAutomationSpec{Practices: practices("north")}, event: func(e *Event) { e.Practice = "" }, want: ReasonPractices},
		"its profile":                   {spec: rollcallv1.InboundAutomationSpec{Profiles: refs("line-2", "line-1")}},
		"another profile":               {spec: rollcallv1.InboundAutomationSpec{Profiles: refs("line-2")}, want: ReasonProfiles},
		"no profile known":              {spec: rollcallv1.InboundAutomationSpec{Profiles: refs("line-1")}, event: func(e *Event) { e.Profile = "" }, want: ReasonProfiles},
		"its practice is not listed":    {spec: rollcallv1.InboundAutomationSpec{Practices: practices("north")}, unlisted: true, want: ReasonPractices},
		"its profile does not exist":    {spec: rollcallv1.InboundAutomationSpec{Profiles: refs("line-1")}, absent: true, want: ReasonProfiles},
		"neither is asked for":          {unlisted: true, absent: true},
		"practice and profile both":     {spec: rollcallv1.InboundAutomationSpec{Practices: practices("north"), Profiles: refs("line-2")}, want: ReasonProfiles},
		"another word":                  {event: func(e *Event) { e.Message = "hello" }, want: ReasonKeywords},
		"always, at night":              {spec: rollcallv1.InboundAutomationSpec{When: rollcallv1.AutomationWhenAlways}, at: closes.Add(time.Hour)},
		"during hours, a second before": {spec: rollcallv1.InboundAutomationSpec{When: rollcallv1.AutomationWhenDuringHours}, at: opens.Add(-time.Second), want: ReasonWhen},
		"during hours, at the opening":  {spec: rollcallv1.InboundAutomationSpec{When: rollcallv1.AutomationWhenDuringHours}, at: opens},
		"during hours, at the last":     {spec: rollcallv1.InboundAutomationSpec{When: rollcallv1.AutomationWhenDuringHours}, at: closes.Add(-time.Second)},
		"during hours, at the close":    {spec: rollcallv1.InboundAutomationSpec{When: rollcallv1.AutomationWhenDuringHours}, at: closes, want: ReasonWhen},
		"after hours, at the opening":   {spec: rollcallv1.InboundAutomationSpec{When: rollcallv1.AutomationWhenAfterHours}, at: opens, want: ReasonWhen},
		"after hours, at the last":      {spec: rollcallv1.InboundAutomationSpec{When: rollcallv1.AutomationWhenAfterHours}, at: closes.Add(-time.Second), want: ReasonWhen},
		"after hours, at the close":     {spec: rollcallv1.InboundAutomationSpec{When: rollcallv1.AutomationWhenAfterHours}, at: closes},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			tc.spec.Keywords = []string{"Refund"}
			e, at := event, opens
			if tc.event != nil {
				tc.event(&e)
			}
			if !tc.at.IsZero() {
				at = tc.at
			}
			c := Circumstances{Now: at, Hours: hours, PracticeListed: !tc.unlisted, ProfileExists: !tc.absent}
			if got := Match(&tc.spec, e, c); got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
			c.Hours = nil
			if needs := NeedsHours(&tc.spec); !needs && Match(&tc.spec, e, c) != tc.want {
				t.Error("hours are said not to matter, and do")
			}
		})
	}
}

// hours of a practice are its own, else the organization's, else it is always open. What cannot be read falls
// through.
func TestHours(t *testing.T) {
	mode := func(m rollcallv1.ScheduleMode) *rollcallv1.Schedule {
		return &rollcallv1.Schedule{Spec: rollcallv1.ScheduleSpec{Mode: m}}
	}
	schedules := map[string]*rollcallv1.Schedule{
		"open": mode(rollcallv1.ScheduleModeAlwaysOpen), "closed": mode(rollcallv1.ScheduleModeAlwaysClosed),
		"broken": {Spec: rollcallv1.ScheduleSpec{TimeZone: new("Nowhere/Land")}},
	}
	ref := func(name string) *rollcallv1.ObjectRef {
		if name == "" {
			return nil
		}
		return &rollcallv1.ObjectRef{Name: name}
	}
	tests := map[string]struct {
		practice, organization, of string
		wantClosed                 bool
	}{
		"nothing anywhere":                     {of: "north"},
		"the organization's":                   {organization: "closed", of: "north", wantClosed: true},
		"the practice's own":                   {practice: "open", organization: "closed", of: "north"},
		"the practice's own, closed":           {practice: "closed", organization: "open", of: "north", wantClosed: true},
		"the practice's is missing":            {practice: "gone", organization: "closed", of: "north", wantClosed: true},
		"the practice's is broken":             {practice: "broken", organization: "closed", of: "north", wantClosed: true},
		"both are broken":                      {practice: "broken", organization: "broken", of: "north"},
		"another practice":                     {practice: "closed", organization: "open", of: "south"},
		"no practice has the organization's":   {practice: "open", organization: "closed", wantClosed: true},
		"an unlisted practice has it likewise": {practice: "open", organization: "closed", of: "nowhere", wantClosed: true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			o := &rollcallv1.OrganizationSpec{
				ScheduleRef: ref(tc.organization),
				Practices:   []rollcallv1.Practice{{Name: "north", ScheduleRef: ref(tc.practice)}, {Name: "south"}},
			}
			hours := Hours(o, tc.of, func(name string) *rollcallv1.Schedule { return schedules[name] })
			if closed := hours != nil && !hours.Open(time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)); closed != tc.wantClosed {
				t.Errorf("closed %v, want %v", closed, tc.wantClosed)
			}
		})
	}
}

// several actions make one Mention; the rest is passed on in order.
func TestMention(t *testing.T) {
	a := &rollcallv1.InboundAutomation{
		ObjectMeta: metav1.ObjectMeta{Name: "refunds", Namespace: "fjordline"},
		Spec: rollcallv1.InboundAutomationSpec{Actions: []rollcallv1.AutomationAction{
			respond, mention("Refund requested", refs("quebecois", "phones"), refs("eva")), hangUp,
			mention("", refs("phones"), nil), mention("Refund requested", nil, refs("max", "eva")), mention("Hurry", refs("late"), nil),
		}},
	}
	e := Event{Source: "/crm", ID: "e-1", Practice: "north", Profile: "line-1", ConversationID: "c-1", Message: "my secret refund"}
	got := Mention(a, e)
	want := &rollcallv1.Mention{
		ObjectMeta: metav1.ObjectMeta{Name: Name("refunds", "/crm", "e-1"), Namespace: "fjordline"},
		Spec: rollcallv1.MentionSpec{
			Conversation: &rollcallv1.MentionConversation{PracticeName: new("north"), ProfileRef: &rollcallv1.ObjectRef{Name: "line-1"}, ExternalID: "c-1"},
			Groups:       refs("quebecois", "phones", "late"), Teammates: refs("eva", "max"),
			Source: &rollcallv1.MentionSource{
				Type: rollcallv1.MentionSourceTypeAutomation, AutomationRef: &rollcallv1.ObjectRef{Name: "refunds"}, EventID: new("e-1"),
			},
			Message: "Refund requested\nHurry",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]rollcallv1.AutomationAction{respond, hangUp}, PassedOn(&a.Spec)); diff != "" {
		t.Errorf("passed on (-want +got):\n%s", diff)
	}

	e.Practice, e.Profile = "", ""
	if c := Mention(a, e).Spec.Conversation; c.PracticeName != nil || c.ProfileRef != nil {
		t.Errorf("what is not known is not written: %+v", c)
	}
	a.Spec.Actions = []rollcallv1.AutomationAction{respond}
	if m := Mention(a, e); m != nil {
		t.Errorf("nothing to mention, and yet %+v", m.Spec)
	}
}

func TestOverflow(t *testing.T) {
	many := func(prefix string, n int) []rollcallv1.ObjectRef {
		var out []rollcallv1.ObjectRef
		for i := range n {
			out = append(out, rollcallv1.ObjectRef{Name: prefix + strings.Repeat("x", i)})
		}
		return out
	}
	tests := map[string]struct {
		actions                   []rollcallv1.AutomationAction
		want                      string
		wantGroups, wantTeammates int
		wantMessage               int
	}{
		"as much as one action takes":   {actions: []rollcallv1.AutomationAction{mention(strings.Repeat("é", 4096), many("g", 50), many("t", 50))}, wantGroups: 50, wantTeammates: 50, wantMessage: 4096},
		"the same groups twice":         {actions: []rollcallv1.AutomationAction{mention("", many("g", 50), nil), mention("", many("g", 50), nil)}, wantGroups: 50},
		"one group too many":            {actions: []rollcallv1.AutomationAction{mention("", many("g", 50), nil), mention("", refs("h"), nil)}, want: "groups", wantGroups: 50},
		"messages that are too long":    {actions: []rollcallv1.AutomationAction{mention(strings.Repeat("é", 4096), refs("g"), nil), mention("x", refs("g"), nil)}, want: "messages", wantGroups: 1, wantMessage: 4096},
		"ten times fifty people are in": {actions: []rollcallv1.AutomationAction{mention("", nil, many("a", 50)), mention("", nil, many("b", 50))}, wantTeammates: 100},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			a := &rollcallv1.InboundAutomation{Spec: rollcallv1.InboundAutomationSpec{Actions: tc.actions}}
			if got := Overflow(&a.Spec); got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
			m := Mention(a, Event{})
			if len(m.Spec.Groups) != tc.wantGroups || len(m.Spec.Teammates) != tc.wantTeammates || len([]rune(m.Spec.Message)) != tc.wantMessage {
				t.Errorf("%d groups, %d teammates, %d characters", len(m.Spec.Groups), len(m.Spec.Teammates), len([]rune(m.Spec.Message)))
			}
		})
	}
}

// S-94: the name of the Mention of an event.
func TestName(t *testing.T) {
	const sum = "a51c39c1e16969160e50dab73b60115a"
	tests := map[string]struct{ automation, want string }{
		"short":                  {automation: "refunds", want: "refunds-"},
		"of thirty characters":   {automation: "refunds-of-the-northern-region", want: "refunds-of-the-northern-region-"},
		"longer":                 {automation: "refunds-of-the-northern-regions-and-more", want: "refunds-of-the-northern-region-"},
		"the cut ends in a dash": {automation: "refunds-of-the-northern-area1-and-more", want: "refunds-of-the-northern-area1--"},
		"the cut ends in a dot":  {automation: "refunds-of-the-northern-area1.and-more", want: "refunds-of-the-northern-area1-"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got := Name(tc.automation, "/crm", "e-1")
			if want := tc.want + sum; got != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
}

// S-94: names of mentions are names of objects, the same event has the same one, and another event another one.
func TestNameProperties(t *testing.T) {
	automation := rapid.StringMatching(`[a-z0-9]([-a-z0-9]{0,12}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,12}[a-z0-9])?){0,3}`).
		Filter(func(s string) bool { return len(s) <= 63 })
	printable := rapid.StringMatching(`[!-~]{1,20}`)
	rapid.Check(t, func(t *rapid.T) {
		a := automation.Draw(t, "automation")
		source, id, otherSource, otherID := printable.Draw(t, "source"), printable.Draw(t, "id"), printable.Draw(t, "otherSource"), printable.Draw(t, "otherID")
		name := Name(a, source, id)
		if errs := validation.IsDNS1123Subdomain(name); len(errs) > 0 || len(name) > 63 {
			t.Fatalf("%s: %v", name, errs)
		}
		if name != Name(a, source, id) {
			t.Fatal("the same event has two names")
		}
		if same := source == otherSource && id == otherID; (Name(a, otherSource, otherID) == name) != same {
			t.Fatalf("(%q, %q) and (%q, %q)", source, id, otherSource, otherID)
		}
	})
}

func TestSame(t *testing.T) {
	source := func(kind rollcallv1.MentionSourceType, automation, id string) *rollcallv1.MentionSource {
		s := &rollcallv1.MentionSource{Type: kind}
		if automation != "" {
			s.AutomationRef = &rollcallv1.ObjectRef{Name: automation}
		}
		if id != "" {
			s.EventID = new(id)
		}
		return s
	}
	tests := map[string]struct {
		source *rollcallv1.MentionSource
		want   bool
	}{
		"this one":           {source: source(rollcallv1.MentionSourceTypeAutomation, "refunds", "e-1"), want: true},
		"another event":      {source: source(rollcallv1.MentionSourceTypeAutomation, "refunds", "e-2")},
		"another automation": {source: source(rollcallv1.MentionSourceTypeAutomation, "returns", "e-1")},
		"of a flow":          {source: source(rollcallv1.MentionSourceTypeFlow, "", "e-1")},
		"without an event":   {source: source(rollcallv1.MentionSourceTypeAutomation, "refunds", "")},
		"without a source":   {},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			m := &rollcallv1.Mention{Spec: rollcallv1.MentionSpec{Source: tc.source}}
			if got := Same(m, "refunds", Event{ID: "e-1"}); got != tc.want {
				t.Errorf("%v, want %v", got, tc.want)
			}
		})
	}
}
