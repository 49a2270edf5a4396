package command

import (
	"bytes"

	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"go.yaml.in/yaml/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	sigsyaml "sigs.k8s.io/yaml"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/routing"
)

// candidateJSON is a candidate of RoutePlan with nothing cut.
type candidateJSON struct {
	Name       string                    `json:"name"`
	Groups     []string                  `json:"groups,omitempty"`
	Position   *int32                    `json:"position,omitempty"`
	Extension  string                    `json:"extension,omitempty"`
	SkillScore *int32                    `json:"skillScore,omitempty"`
	MaxChats   *int32                    `json:"maxChats,omitempty"`
	Channels   []string                  `json:"channels,omitempty"`
	Schedule   string                    `json:"schedule,omitempty"`
	Absence    *rollcallv1.AbsenceWindow `json:"absence,omitempty"`
}

type offerJSON struct {
	Name string          `json:"name"`
	At   metav1.Duration `json:"at"`
	For  *string         `json:"for,omitempty"`
}

type routeAnswer struct {
	Target         string              `json:"target"`
	Open           bool                `json:"open"`
	ChangesAt      *metav1.Time        `json:"changesAt,omitempty"`
	NextTransition *metav1.Time        `json:"nextTransition,omitempty"`
	Strategy       string              `json:"strategy,omitempty"`
	Candidates     []candidateJSON     `json:"candidates,omitempty"`
	Excluded       []routing.Exclusion `json:"excluded,omitempty"`
	Offers         []offerJSON         `json:"offers,omitempty"`
	Outcome        routing.Outcome     `json:"outcome"`
	Hash           string              `json:"hash,omitempty"`

	// What only the table shows.
	mode string
	then string
}

func (p *plugin) route() *cobra.Command {
	var state, without string
	c := p.reading(&cobra.Command{
		Use:   "route KIND/NAME",
		Short: "Who gets the next item: department/NAME, usergroup/NAME, queue/NAME, campaign/NAME, or profile/NAME for whatever serves it",
		Args:  between(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			now, err := readState(state)
			if err != nil {
				return err
			}
			org, err := p.load(c.Context())
			if err != nil {
				return err
			}
			target, item, err := org.target(args[0])
			if err != nil {
				return err
			}
			if without != "" {
				if without, err = org.teammate(without); err != nil {
					return err
				}
			}
			answer := org.routeTo(target, item, now, without)
			return p.show(answer, func(t *table) { answer.table(t, org) })
		},
	})
	c.Flags().StringVar(&state, "state", "", "file with presence and load; without it all are present and free")
	c.Flags().StringVar(&without, "without", "", "a teammate to leave out")
	return c
}

// stateFile is the state file of CLI.md.
type stateFile struct {
	Presence          map[string]routing.Presence `json:"presence"`
	ActiveChats       map[string]int              `json:"activeChats"`
	AutoAssignedChats map[string]int              `json:"autoAssignedChats"`
	CallsReceived     map[string]int              `json:"callsReceived"`
	LastAssigned      string                      `json:"lastAssigned"`
	IdleSince         map[string]time.Time        `json:"idleSince"`
	Seed              int64                       `json:"seed"`
}

func readState(path string) (routing.State, error) {
	if path == "" {
		return routing.State{}, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return routing.State{}, unreadable(err)
	}
	var f stateFile
	if err := sigsyaml.UnmarshalStrict(data, &f); err != nil {
		return routing.State{}, inputError("%s:%d: %s; expected presence, activeChats, autoAssignedChats, callsReceived, lastAssigned, idleSince and seed", path, lineOfStateError(data, err), cleanStateError(err))
	}
	return routing.State(struct {
		Presence          map[string]routing.Presence
		ActiveChats       map[string]int
		AutoAssignedChats map[string]int
		CallsReceived     map[string]int
		LastAssigned      string
		IdleSince         map[string]time.Time
		Seed              int64
		Rotation          routing.Rotation
		Waiting           int
		RingingLegs       int
	}{f.Presence, f.ActiveChats, f.AutoAssignedChats, f.CallsReceived, f.LastAssigned, f.IdleSince, f.Seed, routing.Rotation{}, 0, 0}), nil
}

// target resolves KIND/NAME. For a profile it is the target that serves it, and the item came in on that profile; a zero
// target serves nobody.
func (o *organization) target(text string) (routing.Target, routing.Item, error) {
	kind, name, ok := strings.Cut(text, "/")
	if !ok || name == "" {
		return routing.Target{}, routing.Item{}, usageError("target %q is not understood; expected usergroup/NAME, department/NAME, queue/NAME, campaign/NAME or profile/NAME", text)
	}
	switch strings.ToLower(kind) {
	case "usergroup", "group":
		if err := o.exists("UserGroup", name); err != nil {
			return routing.Target{}, routing.Item{}, err
		}
		x := routing.Target{Kind: routing.KindUserGroup, Name: name}
		if o.Routing.Plan(nil, x) == nil {
			return x, routing.Item{}, inputError("UserGroup/%s: spec.voice.dialing: nobody is dialled; expected voice.dialing in an enabled group, and contactCenter Enabled", name)
		}
		return x, routing.Item{}, nil
	case "department":
		return routing.Target{Kind: routing.KindDepartment, Name: name}, routing.Item{}, o.exists("Department", name)
	case "queue", "campaign":
		x := routing.Target{Kind: map[string]routing.Kind{"queue": routing.KindQueue, "campaign": routing.KindCampaign}[strings.ToLower(kind)], Name: name}
		if err := o.exists(string(x.Kind), name); err != nil {
			return routing.Target{}, routing.Item{}, err
		}
		if o.Routing.Plan(nil, x) == nil {
			return x, routing.Item{}, inputError("%s/%s: nobody is routed to; expected Organization spec.contactCenter Enabled", x.Kind, name)
		}
		return x, routing.Item{}, nil
	case "profile":
		if err := o.exists("Profile", name); err != nil {
			return routing.Target{}, routing.Item{}, err
		}
		x, _ := o.Routing.Serving(o.peek(), name)
		return x, routing.Item{Profile: name}, nil
	}
	return routing.Target{}, routing.Item{}, usageError("kind %q has no routes; expected usergroup/NAME, department/NAME, queue/NAME, campaign/NAME or profile/NAME", kind)
}

func (o *organization) routeTo(x routing.Target, item routing.Item, state routing.State, without string) *routeAnswer {
	if x == (routing.Target{}) {
		return &routeAnswer{Target: "Profile/" + item.Profile, Outcome: routing.Unassigned}
	}
	engine := o.Routing.Engine(func(teammate, profile string) bool { return o.Access.CanView(o.peek(), teammate, []string{profile}) })
	plan := o.Routing.Plan(nil, x)
	if without != "" {
		plan = plan.Without(without)
	}
	run := engine.Run(plan, state, item, o.now, routing.Script{})
	out := &routeAnswer{Target: string(x.Kind) + "/" + x.Name, Open: engine.Open(plan, o.now), Strategy: string(plan.Strategy),
		Excluded: engine.Excluded(plan, state, item, o.now), Outcome: run.Outcome, Hash: plan.Hash(), mode: string(plan.Mode)}
	if at, ok := engine.ChangesAt(plan, o.now, o.Routing.Edge); ok {
		out.ChangesAt = new(metav1.NewTime(at.UTC()))
	}
	if at, ok := o.Routing.NextTransition(x); ok {
		out.NextTransition = new(metav1.NewTime(at.UTC()))
	}
	for i := range plan.Candidates {
		out.Candidates = append(out.Candidates, candidateOf(&plan.Candidates[i]))
	}
	for _, offer := range run.Offers {
		j := offerJSON{Name: offer.Name, At: metav1.Duration{Duration: offer.At}}
		if offer.For > 0 {
			j.For = new(offer.For.String())
		}
		out.Offers = append(out.Offers, j)
	}
	if run.Then.Type != "" {
		out.then = fmt.Sprintf("%s after %s", strings.TrimSuffix(run.Then.Type+"/"+run.Then.Name, "/"), run.Ends)
	}
	return out
}

func candidateOf(c *routing.Candidate) candidateJSON {
	out := candidateJSON{Name: c.Name, Groups: c.Groups, Position: c.Position, Extension: c.Extension, SkillScore: c.SkillScore,
		MaxChats: c.MaxChats, Channels: c.Channels, Schedule: c.Schedule}
	if a := c.Absence; a != nil {
		out.Absence = &rollcallv1.AbsenceWindow{From: stamp(a.From), Until: stamp(a.Until)}
	}
	return out
}

func stamp(t *time.Time) *metav1.Time {
	if t == nil {
		return nil
	}
	return new(metav1.NewTime(t.UTC()))
}

func (a *routeAnswer) table(t *table, o *organization) {
	how := strings.TrimSpace(a.mode + " " + a.Strategy)
	state := yesNo(a.Open, "open", "closed")
	if a.ChangesAt != nil {
		state += " until " + local(a.ChangesAt.Time, o.zone)
	}
	t.line("%s  %s%s", a.Target, state, yesNo(how == "", "", ", "+how))
	if len(a.Offers) > 0 {
		t.line("")
		t.row("OFFERED TO", "AFTER", "FOR")
		for _, f := range a.Offers {
			t.row(f.Name, f.At.Duration.String(), or(valueOf(f.For), "until done"))
		}
	}
	t.line("outcome: %s%s", a.Outcome, yesNo(a.then == "", "", "; if nobody takes it: "+a.then))
	if len(a.Candidates) > 0 {
		t.line("")
		t.row("CANDIDATE", "GROUPS", "POSITION", "EXTENSION", "SKILLS", "CHATS", "HOURS", "ABSENT")
		for _, c := range a.Candidates {
			t.row(c.Name, or(strings.Join(c.Groups, ","), "-"), number(c.Position), or(c.Extension, "-"), number(c.SkillScore), number(c.MaxChats), or(c.Schedule, "always"), absenceText(c.Absence, o.zone))
		}
	}
	if len(a.Excluded) > 0 {
		t.line("")
		t.row("NOT OFFERED TO", "REASON")
		for _, e := range a.Excluded {
			t.row(e.Name, e.Reason)
		}
	}
	if a.NextTransition != nil {
		t.line("the plan may change at %s", local(a.NextTransition.Time, o.zone))
	}
}

func number(n *int32) string {
	if n == nil {
		return "-"
	}
	return fmt.Sprint(*n)
}

func absenceText(a *rollcallv1.AbsenceWindow, zone *time.Location) string {
	if a == nil {
		return "-"
	}
	var parts []string
	if a.From != nil {
		parts = append(parts, "from "+local(a.From.Time, zone))
	}
	if a.Until != nil {
		parts = append(parts, "until "+local(a.Until.Time, zone))
	}
	return or(strings.Join(parts, " "), "always")
}

// cleanStateError takes the wrapping of the YAML library off an error.
func cleanStateError(err error) string {
	text := err.Error()
	for _, prefix := range []string{"error unmarshaling JSON: ", "error converting YAML to JSON: ", "while decoding JSON: ", "yaml: ", "json: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	return text
}

// lineOfStateError is the line of the first field that the error names, else 1.
func lineOfStateError(data []byte, err error) int {
	var n yaml.Node
	if parse := yaml.NewDecoder(bytes.NewReader(data)).Decode(&n); parse != nil || len(n.Content) == 0 || n.Content[0].Kind != yaml.MappingNode {
		line := 1
		if parse != nil {
			_, _ = fmt.Sscanf(strings.TrimPrefix(parse.Error(), "yaml: "), "line %d:", &line)
		}
		return line
	}
	for key := range slices.Chunk(n.Content[0].Content, 2) {
		if strings.Contains(err.Error(), key[0].Value) {
			return key[0].Line
		}
	}
	return 1
}
