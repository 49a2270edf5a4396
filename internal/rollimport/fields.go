package rollimport

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// field is a field of a teammate that a column can fill.
type field struct {
	// name is its path below spec.
	name string
	// short is another name for it.
	short string
	set   func(t *table, p *person, text string) error
}

// Names of fields that layouts and rules speak of.
const (
	fieldEmail       = "identity.email"
	fieldEmployeeID  = "identity.employeeID"
	fieldDirectoryID = "identity.directoryID"
	fieldImage       = "card.image.url"
	fieldLeader      = "teamLeaderRef"
	fieldRole        = "accountRoleRef"
	labelPrefix      = "labels."
)

// FieldNames are the fields that ParseColumn knows, sorted.
func FieldNames() []string {
	var out []string
	for _, f := range fields {
		out = append(out, f.name)
	}
	slices.Sort(out)
	return out
}

// fieldByName finds a field by its path or short name.
func fieldByName(name string) (field, bool) {
	for _, f := range fields {
		if name == f.name || name == f.short {
			return f, true
		}
	}
	if key, ok := strings.CutPrefix(name, labelPrefix); ok && key != "" {
		return field{name: name, set: func(_ *table, p *person, text string) error {
			if p.tm.Labels == nil {
				p.tm.Labels = map[string]string{}
			}
			p.tm.Labels[key] = text
			return nil
		}}, true
	}
	return field{}, false
}

var fields = []field{
	{fieldEmail, "email", text(func(tm *rollcallv1.Teammate) **string { return &tm.Spec.Identity.Email })},
	{fieldEmployeeID, "employeeID", text(func(tm *rollcallv1.Teammate) **string { return &tm.Spec.Identity.EmployeeID })},
	{fieldDirectoryID, "directoryID", text(func(tm *rollcallv1.Teammate) **string { return &tm.Spec.Identity.DirectoryID })},
	{"identity.username", "username", text(func(tm *rollcallv1.Teammate) **string { return &tm.Spec.Identity.Username })},
	{"firstName", "", text(func(tm *rollcallv1.Teammate) **string { return &tm.Spec.FirstName })},
	{"lastName", "", text(func(tm *rollcallv1.Teammate) **string { return &tm.Spec.LastName })},
	{fieldRole, "role", func(_ *table, p *person, text string) error { p.role = text; return nil }},
	{fieldLeader, "leader", func(_ *table, p *person, text string) error { p.leader = text; return nil }},
	{"canManageTeams", "", truth(func(tm *rollcallv1.Teammate) **bool { return &tm.Spec.CanManageTeams })},
	{fieldImage, "image", func(_ *table, p *person, text string) error {
		card(p.tm).Image = &rollcallv1.CardImage{URL: text}
		return nil
	}},
	{"card.bio", "bio", text(func(tm *rollcallv1.Teammate) **string { return &card(tm).Bio })},
	{"card.homeTown", "homeTown", text(func(tm *rollcallv1.Teammate) **string { return &card(tm).HomeTown })},
	{"card.stateOrCountry", "stateOrCountry", text(func(tm *rollcallv1.Teammate) **string { return &card(tm).StateOrCountry })},
	{"employment.startDate", "startDate", startDate},
	{"employment.status", "employmentStatus", employmentStatus},
	{"channels", "", channels},
	{"tags", "", tags},
	{"skills", "", skills},
	{"groups", "", func(_ *table, p *person, text string) error { p.groups = append(p.groups, list(text)...); return nil }},
	{"maxChats", "", maxChats},
	{"extension", "", text(func(tm *rollcallv1.Teammate) **string { return &tm.Spec.Extension })},
	{"scheduleRef", "schedule", func(_ *table, p *person, text string) error {
		p.tm.Spec.ScheduleRef = &rollcallv1.ObjectRef{Name: text}
		return nil
	}},
	{"timeZone", "", text(func(tm *rollcallv1.Teammate) **string { return &tm.Spec.TimeZone })},
	{"language", "", text(func(tm *rollcallv1.Teammate) **string { return &tm.Spec.Language })},
	{"from", "", moment(func(tm *rollcallv1.Teammate) **metav1.Time { return &tm.Spec.From })},
	{"until", "", moment(func(tm *rollcallv1.Teammate) **metav1.Time { return &tm.Spec.Until })},
}

// card is the card of a teammate, made when the first of its fields is set.
func card(tm *rollcallv1.Teammate) *rollcallv1.Card {
	if tm.Spec.Card == nil {
		tm.Spec.Card = &rollcallv1.Card{}
	}
	return tm.Spec.Card
}

func employment(tm *rollcallv1.Teammate) *rollcallv1.Employment {
	if tm.Spec.Employment == nil {
		tm.Spec.Employment = &rollcallv1.Employment{}
	}
	return tm.Spec.Employment
}

// text fills a field with the cell as it stands.
func text(of func(*rollcallv1.Teammate) **string) func(*table, *person, string) error {
	return func(_ *table, p *person, text string) error {
		*of(p.tm) = &text
		return nil
	}
}

func truth(of func(*rollcallv1.Teammate) **bool) func(*table, *person, string) error {
	return func(_ *table, p *person, text string) error {
		switch strings.ToLower(text) {
		case "yes", "y", "true", "1":
			*of(p.tm) = new(true)
		case "no", "n", "false", "0":
			*of(p.tm) = new(false)
		default:
			return fmt.Errorf("%q is not understood; expected yes or no", text)
		}
		return nil
	}
}

// moment fills a field with a time: RFC 3339, or local to the zone of the order; a date alone is its midnight.
func moment(of func(*rollcallv1.Teammate) **metav1.Time) func(*table, *person, string) error {
	return func(t *table, p *person, text string) error {
		at, err := t.time(text)
		if err == nil {
			*of(p.tm) = new(metav1.NewTime(at.UTC()))
		}
		return err
	}
}

var localTimes = []string{time.DateOnly, time.DateTime, "2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02T15:04:05"}

func (t *table) time(text string) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	for _, layout := range localTimes {
		if at, err := time.ParseInLocation(layout, text, t.zone); err == nil {
			return at, nil
		}
	}
	if at, ok := t.serial(text); ok {
		return at, nil
	}
	return time.Time{}, fmt.Errorf("%q is not understood; expected a date as 2027-03-01", text)
}

// lastDay is the end of the year 9999.
const lastDay = 2958465

// serial reads the days since the epoch of a workbook, in which these are formatted as dates.
func (t *table) serial(text string) (time.Time, bool) {
	days, err := strconv.ParseFloat(text, 64)
	if err != nil || !t.Workbook || !(days >= 1 && days <= lastDay) {
		return time.Time{}, false
	}
	epoch := time.Date(1899, 12, 30, 0, 0, 0, 0, t.zone)
	if t.Since1904 {
		epoch = time.Date(1904, 1, 1, 0, 0, 0, 0, t.zone)
	}
	whole, part := math.Modf(days)
	midnight := epoch.AddDate(0, 0, int(whole))
	return midnight.Add((time.Duration(part * float64(24*time.Hour))).Round(time.Second)), true
}

func startDate(t *table, p *person, text string) error {
	at, err := t.time(text)
	if err != nil {
		return err
	}
	employment(p.tm).StartDate = new(at.Format(time.DateOnly))
	return nil
}

var employmentStatuses = map[string]rollcallv1.EmploymentStatus{
	"fulltime": rollcallv1.EmploymentStatusFullTime, "parttime": rollcallv1.EmploymentStatusPartTime,
	"temp": rollcallv1.EmploymentStatusTemporary, "temporary": rollcallv1.EmploymentStatusTemporary,
}

func employmentStatus(_ *table, p *person, text string) error {
	status, ok := employmentStatuses[bare(text)]
	if !ok {
		return fmt.Errorf("%q is not known; expected Full Time, Part Time or Temporary", text)
	}
	employment(p.tm).Status = &status
	return nil
}

var channelNames = map[string]rollcallv1.Channel{
	"phone": rollcallv1.ChannelPhone, "voice": rollcallv1.ChannelPhone, "call": rollcallv1.ChannelPhone, "calls": rollcallv1.ChannelPhone,
	"chat": rollcallv1.ChannelChat, "livechat": rollcallv1.ChannelChat, "email": rollcallv1.ChannelEmail, "mail": rollcallv1.ChannelEmail,
	"social": rollcallv1.ChannelSocial, "socialmedia": rollcallv1.ChannelSocial, "sms": rollcallv1.ChannelSMS, "text": rollcallv1.ChannelSMS,
}

func channels(_ *table, p *person, text string) error {
	for _, item := range list(text) {
		channel, ok := channelNames[bare(item)]
		if !ok {
			return fmt.Errorf("channel %q is not known; expected Phone, Chat, Email, Social or SMS", item)
		}
		if !slices.Contains(p.tm.Spec.Channels, channel) {
			p.tm.Spec.Channels = append(p.tm.Spec.Channels, channel)
		}
	}
	return nil
}

func tags(_ *table, p *person, text string) error {
	for _, item := range list(text) {
		if !slices.ContainsFunc(p.tm.Spec.Tags, func(t rollcallv1.Tag) bool { return t.Name == item }) {
			p.tm.Spec.Tags = append(p.tm.Spec.Tags, rollcallv1.Tag{Name: item})
		}
	}
	return nil
}

// skills adds to those of the order; the row's own level counts.
func skills(_ *table, p *person, text string) error {
	for _, item := range list(text) {
		skill, err := ParseSkill(item)
		if err != nil {
			return err
		}
		p.tm.Spec.Skills = slices.DeleteFunc(p.tm.Spec.Skills, func(s rollcallv1.TeammateSkill) bool { return s.Name == skill.Name })
		p.tm.Spec.Skills = append(p.tm.Spec.Skills, skill)
	}
	return nil
}

// ParseSkill reads NAME or NAME=LEVEL.
func ParseSkill(text string) (rollcallv1.TeammateSkill, error) {
	name, level, leveled := strings.Cut(text, "=")
	skill := rollcallv1.TeammateSkill{Name: strings.TrimSpace(name)}
	if leveled {
		n, err := strconv.ParseInt(strings.TrimSpace(level), 10, 32)
		if err != nil || n < 1 {
			return skill, fmt.Errorf("skill %q has no level; expected NAME=LEVEL with a level from 1 on", text)
		}
		skill.Level = new(int32(n))
	}
	return skill, nil
}

func maxChats(_ *table, p *person, text string) error {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return fmt.Errorf("%q is no whole number", text)
	}
	p.tm.Spec.MaxChats = new(int32(n))
	return nil
}

// list cuts a cell with several values.
func list(text string) []string {
	var out []string
	for item := range strings.FieldsFuncSeq(text, func(c rune) bool { return strings.ContainsRune(",;|\n", c) }) {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, item)
		}
	}
	return out
}
