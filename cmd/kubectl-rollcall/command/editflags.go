package command

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/edit"
)

// step is one flag that changes people, as it was written. Times are read once the zone of the organization is known.
type step struct {
	flag, value string
	from, until string
}

// windowed are the flags that --from and --until may follow.
var windowed = []string{"add-group", "absent"}

// stepFlag collects steps in the order of the command line, which a flag for each would not keep.
type stepFlag struct {
	steps *[]step
	name  string
	kind  string // of the value, for the help; bool stands alone
}

func (f stepFlag) String() string { return "" }
func (f stepFlag) Type() string   { return f.kind }

func (f stepFlag) Set(value string) error {
	if f.kind == "bool" {
		if value != "true" {
			return fmt.Errorf("--%s takes no value", f.name)
		}
		value = ""
	}
	if f.name != "from" && f.name != "until" {
		*f.steps = append(*f.steps, step{flag: f.name, value: value})
		return nil
	}
	last := len(*f.steps) - 1
	if last < 0 || !slices.Contains(windowed, (*f.steps)[last].flag) {
		return fmt.Errorf("--%s stands alone; expected it behind --%s", f.name, strings.Join(windowed, " or --"))
	}
	place := &(*f.steps)[last].from
	if f.name == "until" {
		place = &(*f.steps)[last].until
	}
	if *place != "" {
		return fmt.Errorf("--%s stands twice behind --%s", f.name, (*f.steps)[last].flag)
	}
	*place = value
	return nil
}

func (e *editing) stepFlags(f *pflag.FlagSet) {
	for _, x := range []struct{ name, kind, usage string }{
		{"role", "ROLE", "give another account role"},
		{"add-group", "GROUP", "put into a group, with --from and --until behind it for a time"},
		{"remove-group", "GROUP", "take out of a group"},
		{"move-to-group", "GROUP", "put into a group and take out of every other"},
		{"add-queue", "QUEUES", "assign queues too, as in orders,returns"},
		{"remove-queue", "QUEUES", "take queues away"},
		{"set-queues", "QUEUES", "assign exactly these queues"},
		{"campaign", "CAMPAIGN", "assign to a campaign"},
		{"no-campaign", "bool", "end the campaign"},
		{"max-chats", "N", "limit of chats, -1 for none, \"\" for the default of the organization"},
		{"add-skill", "SKILLS", "add skills or change levels, as in fr=4,en=1"},
		{"set-skills", "SKILLS", "have exactly these skills"},
		{"availability", "STATE", "Available, Unavailable or Inactive"},
		{"absent", "NAME", "plan an absence, with --from and --until behind it"},
		{"leader", "TEAMMATE", "name the team leader, \"\" for none"},
		{"channels", "CHANNELS", "have exactly these channels: Phone, Chat, Email, Social, SMS; \"\" for all"},
		{"extension", "NUMBER", "set the internal number, \"\" for none"},
		{"block-for", "DURATION", "block from now on, as in 8h or 30d"},
		{"unblock", "bool", "end a block"},
		{"archive", "bool", "archive"},
		{"reason", "TEXT", "why: with --block-for, --unblock or --archive, or alone"},
		{"from", "TIME", "when what stands before begins"},
		{"until", "TIME", "when what stands before ends"},
	} {
		flag := f.VarPF(stepFlag{&e.steps, x.name, x.kind}, x.name, "", x.usage)
		if x.kind == "bool" {
			flag.NoOptDefVal = "true"
		}
	}
}

// operations reads the steps.
func (o *organization) operations(e *editing) ([]edit.Operation, error) {
	reason, closes := "", false
	given := false
	for _, s := range e.steps {
		if s.flag == "reason" {
			reason, given = s.value, true
		}
		closes = closes || slices.Contains([]string{"block-for", "unblock", "archive"}, s.flag)
	}
	var out []edit.Operation
	creatable := false
	for _, s := range e.steps {
		if s.flag == "reason" {
			continue
		}
		creatable = creatable || s.flag == "add-group" || s.flag == "move-to-group"
		op, err := o.operation(s, e.createGroup, reason)
		if err != nil {
			return nil, err
		}
		out = append(out, op)
	}
	if given && !closes {
		out = append(out, edit.Reason{Text: reason})
	}
	if e.createGroup && !creatable {
		return nil, usageError("--create-group makes no group by itself; expected --move-to-group or --add-group with it")
	}
	return out, nil
}

func (o *organization) operation(s step, create bool, reason string) (edit.Operation, error) {
	switch s.flag {
	case "role":
		return edit.Role{Name: s.value}, s.named()
	case "add-group":
		window, err := o.window(s)
		return edit.AddGroup{Name: s.value, Window: window, Create: create}, either(s.named(), err)
	case "remove-group":
		return edit.RemoveGroup{Name: s.value}, s.named()
	case "move-to-group":
		return edit.MoveToGroup{Name: s.value, Create: create}, s.named()
	case "add-queue":
		return edit.AddQueues{Names: s.list()}, s.named()
	case "remove-queue":
		return edit.RemoveQueues{Names: s.list()}, s.named()
	case "set-queues":
		return edit.SetQueues{Names: s.list()}, nil
	case "campaign":
		return edit.Campaign{Name: s.value}, s.named()
	case "no-campaign":
		return edit.NoCampaign{}, nil
	case "add-skill":
		skills, err := s.skills()
		return edit.AddSkills{Skills: skills}, either(s.named(), err)
	case "set-skills":
		skills, err := s.skills()
		return edit.SetSkills{Skills: skills}, err
	}
	return o.setting(s, reason)
}

// setting reads the steps that set one field.
func (o *organization) setting(s step, reason string) (edit.Operation, error) {
	switch s.flag {
	case "max-chats":
		limit, err := s.number()
		return edit.MaxChats{Limit: limit}, err
	case "availability":
		state, err := oneOf(s, s.value, rollcallv1.AvailabilityAvailable, rollcallv1.AvailabilityUnavailable, rollcallv1.AvailabilityInactive)
		return edit.Availability{State: state}, err
	case "absent":
		window, err := o.window(s)
		if err == nil && window.From == nil && window.Until == nil {
			err = usageError("--absent %s has no time; expected --from and --until behind it", s.value)
		}
		return edit.Absent{Name: s.value, Window: window}, either(s.named(), err)
	case "leader":
		if s.value == "" {
			return edit.Leader{}, nil
		}
		name, err := o.teammate(s.value)
		return edit.Leader{Name: name}, err
	case "channels":
		channels, err := s.channels()
		return edit.Channels{List: channels}, err
	case "extension":
		return edit.Extension{Number: s.value}, nil
	case "block-for":
		length, err := s.duration()
		return edit.Block{For: length, Reason: reason}, err
	case "unblock":
		return edit.Unblock{Reason: reason}, nil
	case "archive":
		return edit.Archive{Reason: reason}, nil
	}
	return nil, usageError("--%s is not known", s.flag)
}

func either(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

func (s step) named() error {
	if strings.Trim(s.value, ", ") == "" {
		return usageError("--%s has no value; expected a name", s.flag)
	}
	return nil
}

// list are the values between commas.
func (s step) list() []string {
	var out []string
	for item := range strings.SplitSeq(s.value, ",") {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, item)
		}
	}
	return out
}

func (o *organization) window(s step) (rollcallv1.Window, error) {
	var w rollcallv1.Window
	for _, x := range []struct {
		text  string
		place **metav1.Time
	}{{s.from, &w.From}, {s.until, &w.Until}} {
		if x.text == "" {
			continue
		}
		at, err := instant(x.text, o.zone, o.now)
		if err != nil {
			return w, err
		}
		*x.place = new(metav1.NewTime(at))
	}
	if w.From != nil && w.Until != nil && !w.From.Before(w.Until) {
		return w, usageError("--from %q is not before --until %q", s.from, s.until)
	}
	return w, nil
}

func (s step) skills() ([]rollcallv1.TeammateSkill, error) {
	var out []rollcallv1.TeammateSkill
	for _, item := range s.list() {
		name, text, leveled := strings.Cut(item, "=")
		skill := rollcallv1.TeammateSkill{Name: strings.TrimSpace(name)}
		if leveled {
			n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 32)
			if err != nil || n < 1 || n > 100 {
				return nil, usageError("--%s %q is not understood; expected a level from 1 to 100, as in fr=4,en=1", s.flag, item)
			}
			skill.Level = new(int32(n))
		}
		if skill.Name == "" || slices.ContainsFunc(out, func(have rollcallv1.TeammateSkill) bool { return have.Name == skill.Name }) {
			return nil, usageError("--%s %q is not understood; expected each skill once, as in fr=4,en=1", s.flag, s.value)
		}
		out = append(out, skill)
	}
	return out, nil
}

func (s step) number() (*int32, error) {
	if s.value == "" {
		return nil, nil
	}
	n, err := strconv.ParseInt(s.value, 10, 32)
	if err != nil {
		return nil, usageError("--%s %q is not a number; expected one such as 4, or -1", s.flag, s.value)
	}
	return new(int32(n)), nil
}

// duration reads hours as in 8h, 90m, and days as in 30d.
func (s step) duration() (time.Duration, error) {
	text := s.value
	length, err := time.ParseDuration(text)
	if days, found := strings.CutSuffix(text, "d"); found {
		n, bad := strconv.ParseUint(days, 10, 16)
		length, err = time.Duration(n)*24*time.Hour, bad
	}
	if err != nil || length < time.Second {
		return 0, usageError("--%s %q is not a duration; expected one such as 8h or 30d", s.flag, s.value)
	}
	return length.Truncate(time.Second), nil
}

func (s step) channels() ([]rollcallv1.Channel, error) {
	var out []rollcallv1.Channel
	for _, item := range s.list() {
		c, err := oneOf(s, item, rollcallv1.ChannelPhone, rollcallv1.ChannelChat, rollcallv1.ChannelEmail, rollcallv1.ChannelSocial, rollcallv1.ChannelSMS)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// oneOf finds a value whatever its case.
func oneOf[T ~string](s step, text string, known ...T) (T, error) {
	names := make([]string, len(known))
	for i, k := range known {
		if strings.EqualFold(string(k), text) {
			return k, nil
		}
		names[i] = string(k)
	}
	return "", usageError("--%s %q is not known; expected one of %s", s.flag, text, strings.Join(names, ", "))
}
