// Package controllers is the composition root of the operator: the one list of what runs, and with what.
package controllers

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/event"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	downstreamcontroller "github.com/rollcall-dev/rollcall/controllers/downstream"
	"github.com/rollcall-dev/rollcall/controllers/intake"
	"github.com/rollcall-dev/rollcall/controllers/mention"
	"github.com/rollcall-dev/rollcall/controllers/organization"
	"github.com/rollcall-dev/rollcall/controllers/output"
	rostercontroller "github.com/rollcall-dev/rollcall/controllers/roster"
	"github.com/rollcall-dev/rollcall/controllers/status"
	"github.com/rollcall-dev/rollcall/internal/desk"
	"github.com/rollcall-dev/rollcall/internal/publish"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

// Options vary what runs. The zero value is what production uses.
type Options struct {
	// Now is the clock; nil is the real one.
	Now func() time.Time
	// Wake, if set, names namespaces to look at again, for a clock that is set by hand.
	Wake <-chan event.TypedGenericEvent[string]
	// Ready, if set, is given the check of readiness that /readyz asks.
	Ready *func() error
	// Intake takes in inbound events; it is off unless it has an address.
	Intake intake.Options
	// AllowCIDRs are ranges inside the cluster or a private network that connected systems may be in.
	AllowCIDRs []netip.Prefix
	// Drivers, if set, are those of connected systems instead of what production has.
	Drivers map[rollcallv1.Driver]downstreamcontroller.Open
	// Workers is how many objects of a kind are written at once; 0 is 16.
	Workers int
}

const defaultWorkers = 16

// Add adds everything that runs to the manager and returns the check of its readiness: ready means that the caches are
// filled and, where this replica leads, that everything was computed once.
func Add(ctx context.Context, mgr ctrl.Manager, o Options) (func(*http.Request) error, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Workers == 0 {
		o.Workers = defaultWorkers
	}
	desks := desk.New()
	writer := &publish.Writer{Client: mgr.GetClient(), Now: o.Now}
	lines := rostercontroller.Lines{Access: desks.NewLine(), Plans: desks.NewLine(), Inputs: map[string]*desk.Line{}}
	for _, c := range []struct {
		kind string
		add  func(ctrl.Manager, *desk.Line, *publish.Writer, int) error
	}{
		{roster.KindOrganization, organization.Add},
		{roster.KindSchedule, status.Schedules.Add},
		{roster.KindAccountRole, status.AccountRoles.Add},
		{roster.KindProfileRole, status.ProfileRoles.Add},
		{roster.KindProfile, status.Profiles.Add},
		{roster.KindTeammate, status.Teammates.Add},
		{roster.KindUserGroup, status.UserGroups.Add},
		{roster.KindDepartment, status.Departments.Add},
		{roster.KindQueue, status.Queues.Add},
		{roster.KindCampaign, status.Campaigns.Add},
		{roster.KindMention, mention.Add},
		{roster.KindInboundAutomation, status.InboundAutomations.Add},
	} {
		lines.Inputs[c.kind] = desks.NewLine()
		if err := c.add(mgr, lines.Inputs[c.kind], writer, o.Workers); err != nil {
			return nil, err
		}
	}
	if err := output.Access.Add(mgr, lines.Access, writer, o.Workers); err != nil {
		return nil, err
	}
	if err := output.Plans.Add(mgr, lines.Plans, writer, o.Workers); err != nil {
		return nil, err
	}
	line := desks.NewLine()
	rooms, reports := downstreamcontroller.NewRooms(line), desk.NewReports()
	if o.Drivers == nil {
		o.Drivers = drivers(mgr.GetConfig())
	}
	if err := downstreamcontroller.Add(ctx, mgr, downstreamcontroller.Options{
		Desks: desks, Line: line, Rooms: rooms, Writer: writer, Recorder: mgr.GetEventRecorder("rollcall"), Now: o.Now,
		Drivers: o.Drivers, Dial: downstreamcontroller.NewDial(o.AllowCIDRs), Reports: reports, Workers: o.Workers,
	}); err != nil {
		return nil, err
	}
	ready, err := rostercontroller.Add(ctx, mgr, rostercontroller.Options{
		Desks: desks, Lines: lines, Writer: writer, Recorder: mgr.GetEventRecorder("rollcall"), Now: o.Now, Wake: o.Wake, Workers: 2,
		Follower: rooms, Reports: reports,
	})
	if err != nil {
		return nil, fmt.Errorf("adding what computes: %w", err)
	}
	if o.Intake.On() {
		o.Intake.Now = o.Now
		if err := intake.Add(ctx, mgr, o.Intake); err != nil {
			return nil, err
		}
	}
	return ready, nil
}
