package downstream

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/desk"
	"github.com/rollcall-dev/rollcall/internal/downstream"
	"github.com/rollcall-dev/rollcall/internal/downstream/plan"
	"github.com/rollcall-dev/rollcall/internal/engine"
	"github.com/rollcall-dev/rollcall/internal/roster"
	"github.com/rollcall-dev/rollcall/test/builder"
)

// hall is a namespace with an organization and rooms that follow it.
type hall struct {
	t     *testing.T
	desks *desk.Desks
	line  *desk.Line
	rooms *Rooms
	now   time.Time
}

func newHall(t *testing.T) *hall {
	h := &hall{t: t, desks: desk.New(), now: time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)}
	h.line = h.desks.NewLine()
	h.rooms = NewRooms(h.line)
	h.replace(builder.Objects(t, "Teammate ana {identity: {email: ana@fjordline.example}}")[0].(*rollcallv1.Teammate))
	return h
}

// replace has the organization computed anew, as at first and after a failure.
func (h *hall) replace(people ...*rollcallv1.Teammate) {
	e := engine.New(h.now)
	e.Remember(nil, false)
	changes := []roster.Change{{Object: builder.Organization()}}
	for _, o := range people {
		changes = append(changes, roster.Change{Object: o})
	}
	e.Apply(h.now, changes...)
	d := h.desks.Of("fjordline")
	d.Replace(e)
	d.Engine(func(e *engine.Engine) bool { h.rooms.Applied("fjordline", e, changes); return false })
	d.Release(desk.Open)
	h.rooms.Released("fjordline", desk.Open)
}

func (h *hall) enter(name string) source {
	key := types.NamespacedName{Namespace: "fjordline", Name: name}
	x := h.rooms.enter(key, func() desk.Standing { return h.desks.Standing("fjordline") })
	return source{ctx: h.t.Context(), line: h.line, room: x, key: key}
}

func (h *hall) leave(name string) {
	h.rooms.leave(h.desks, types.NamespacedName{Namespace: "fjordline", Name: name})
}

// The records of a namespace go with its last Downstream, and come back with the next one.
func TestRecordsGoWithTheLastDownstream(t *testing.T) {
	h := newHall(t)
	first, second := h.enter("first"), h.enter("second")
	if n := len(first.IDs(downstream.Kinds)); n != 2 {
		t.Fatalf("%d records, want 2", n)
	}
	records := first.room.records
	h.leave("first")
	if records.Closed() || len(second.IDs(downstream.Kinds)) != 2 {
		t.Error("they went with the first of two")
	}
	h.leave("second")
	if !records.Closed() {
		t.Error("they are still there, and nobody asks for them")
	}
	h.rooms.Applied("fjordline", first.room.engine, nil)
	if n := len(h.enter("third").IDs(downstream.Kinds)); n != 2 || records.Closed() {
		t.Errorf("%d records for another one, want 2", n)
	}
	h.leave("third")
	h.rooms.Forgotten("fjordline")
	if h.rooms.find("fjordline") != nil {
		t.Error("the room outlives its namespace")
	}
}

func TestARoomThatIsInUseIsNotForgotten(t *testing.T) {
	h := newHall(t)
	h.enter("first")
	h.rooms.Forgotten("fjordline")
	if h.rooms.find("fjordline") == nil {
		t.Error("it is gone")
	}
	h.desks.Forget("fjordline")
	h.leave("first")
	if h.rooms.find("fjordline") != nil {
		t.Error("the room outlives its namespace")
	}
}

// What is known of people who lost their access outlives an engine that failed.
func TestLossesOutliveAnEngine(t *testing.T) {
	h := newHall(t)
	s := h.enter("first")
	s.IDs(downstream.Kinds)
	s.Lost([]string{"ana"})
	if !s.Situation().Alarm {
		t.Fatal("one of one without access, and no alarm")
	}
	none := builder.Objects(t, "AccountRole none {baseType: None, permissions: []}\nTeammate ana {identity: {email: ana@fjordline.example}, accountRoleRef: {name: none}}")
	h.replace(none[1].(*rollcallv1.Teammate))
	if losses := s.Situation().Losses; len(losses) != 1 || losses[0] != (plan.Loss{Teammate: "ana", At: h.now, Alarm: true}) {
		t.Errorf("losses of the next engine: %v", losses)
	}
}
