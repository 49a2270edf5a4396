package command

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// options are the flags that commands share.
type options struct {
	files      []string
	kustomize  []string
	namespace  string
	at         string
	stateFrom  string
	assume     string
	output     string
	kubeconfig string
	context    string
}

const assumeNone = "none"

// clusterFlags adds what says which cluster and namespace.
func (p *plugin) clusterFlags(c *cobra.Command) {
	f := c.Flags()
	f.StringVarP(&p.options.namespace, "namespace", "n", "", "namespace of the organization; on files, objects without one belong to it")
	f.StringVar(&p.options.kubeconfig, "kubeconfig", "", "kubeconfig file")
	f.StringVar(&p.options.context, "context", "", "context of the kubeconfig")
}

// fileFlags adds what says which files.
func (p *plugin) fileFlags(c *cobra.Command) {
	f := c.Flags()
	f.StringArrayVarP(&p.options.files, "filename", "f", nil, "answer from a file, a folder with everything below it, or - for stdin; repeatable")
	f.StringArrayVarP(&p.options.kustomize, "kustomize", "k", nil, "answer from a kustomize folder; repeatable")
}

// outputFlag adds the form of the answer.
func (p *plugin) outputFlag(c *cobra.Command) {
	c.Flags().StringVarP(&p.options.output, "output", "o", "table", "table, json or yaml")
}

// reading adds the flags of every command that asks.
func (p *plugin) reading(c *cobra.Command) *cobra.Command {
	p.fileFlags(c)
	p.clusterFlags(c)
	p.outputFlag(c)
	f := c.Flags()
	f.StringVar(&p.options.at, "at", "", `instant to answer for: 2027-03-01T17:05:00Z, 2027-03-01T18:05 or "fri 18:05" in the organization's zone (default now)`)
	f.StringVar(&p.options.stateFrom, "state-from", "", "on files: read state from a snapshot; without -f and -k everything")
	f.StringVar(&p.options.assume, "assume", "", "none: on files, assume nobody confirmed and no permission set stamped")
	return c
}

// checkOptions refuses what no command understands.
func (o *options) check() error {
	if o.output != "" && !slices.Contains([]string{"table", "json", "yaml"}, o.output) {
		return usageError("-o %s is not known; expected table, json or yaml", o.output)
	}
	if o.assume != "" && o.assume != assumeNone {
		return usageError("--assume=%s is not known; expected none", o.assume)
	}
	return nil
}

// offline says whether the answer comes from files.
func (o *options) offline() bool {
	return len(o.files) > 0 || len(o.kustomize) > 0 || o.stateFrom != ""
}

// localLayouts are the forms of a TIME in the organization's zone.
var localLayouts = []string{"2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02"}

// instant reads a TIME: RFC 3339, local to the zone, or a weekday and time, which is the next such instant, now included.
func instant(text string, zone *time.Location, now time.Time) (time.Time, error) {
	if text == "" {
		return now, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at.UTC(), nil
	}
	for _, layout := range localLayouts {
		if at, err := time.ParseInLocation(layout, text, zone); err == nil {
			return at.UTC(), nil
		}
	}
	if day, clock, ok := weekdayAndClock(text); ok {
		local := now.In(zone)
		for ahead := range 15 {
			date := local.AddDate(0, 0, ahead)
			at := time.Date(date.Year(), date.Month(), date.Day(), clock.Hour(), clock.Minute(), 0, 0, zone)
			if at.Weekday() == day && !at.Before(now.Truncate(time.Second)) {
				return at.UTC(), nil
			}
		}
	}
	return time.Time{}, usageError(`time %q is not understood; expected 2027-03-01T17:05:00Z, 2027-03-01T18:05 or "fri 18:05"`, text)
}

func weekdayAndClock(text string) (time.Weekday, time.Time, bool) {
	name, rest, ok := strings.Cut(strings.TrimSpace(text), " ")
	clock, err := time.Parse("15:04", strings.TrimSpace(rest))
	if !ok || err != nil || len(name) < 3 {
		return 0, clock, false
	}
	for day := time.Sunday; day <= time.Saturday; day++ {
		if strings.HasPrefix(strings.ToLower(day.String()), strings.ToLower(name)) {
			return day, clock, true
		}
	}
	return 0, clock, false
}

// local writes an instant for people: in the zone, with its name.
func local(at time.Time, zone *time.Location) string {
	return fmt.Sprintf("%s %s", at.In(zone).Format("Mon 2006-01-02 15:04"), at.In(zone).Format("MST"))
}
