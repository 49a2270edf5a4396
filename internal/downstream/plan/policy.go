package plan

import (
	"slices"
	"time"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/downstream"
)

// Policy is what a Downstream says about how far the operator goes, with every default filled in (API.md 4.10).
type Policy struct {
	Records  []downstream.Kind // in the order of downstream.Kinds
	Mode     rollcallv1.DownstreamMode
	Adoption rollcallv1.Adoption
	Removal  rollcallv1.Removal
	Drift    rollcallv1.Drift
	Resync   time.Duration
	Safety   Safety
}

// Safety are the limits of R-20.
type Safety struct {
	MaxRemovalPercent, Floor, ConfirmAbsences int
	ExplicitLimit                             int // 0: none
	DeletionGrace                             time.Duration
}

// DefaultSafety are the limits of a Downstream that says nothing about them.
var DefaultSafety = Safety{MaxRemovalPercent: 25, Floor: 10, ConfirmAbsences: 3, ExplicitLimit: 20, DeletionGrace: 2 * time.Minute}

// defaultResync is how often everything is read where the spec does not say.
const defaultResync = 10 * time.Minute

// PolicyOf reads the policy of a Downstream.
func PolicyOf(spec *rollcallv1.DownstreamSpec) Policy {
	p := Policy{
		Mode: or(spec.Mode, rollcallv1.DownstreamModeObserve), Adoption: or(spec.Adoption, rollcallv1.AdoptionNever),
		Removal: or(spec.Removal, rollcallv1.RemovalDeactivate), Drift: or(spec.Drift, rollcallv1.DriftCorrect),
		Resync: defaultResync, Safety: DefaultSafety,
	}
	for _, k := range downstream.Kinds {
		if slices.Contains(spec.Records, rollcallv1.RecordKind(k)) {
			p.Records = append(p.Records, k)
		}
	}
	if spec.ResyncInterval != nil {
		p.Resync = spec.ResyncInterval.Duration
	}
	s := spec.Safety
	for from, to := range map[*int32]*int{
		s.MaxRemovalPercent: &p.Safety.MaxRemovalPercent, s.Floor: &p.Safety.Floor,
		s.ConfirmAbsences: &p.Safety.ConfirmAbsences, s.ExplicitLimit: &p.Safety.ExplicitLimit,
	} {
		if from != nil {
			*to = int(*from)
		}
	}
	if s.DeletionGrace != nil {
		p.Safety.DeletionGrace = s.DeletionGrace.Duration
	}
	return p
}

func or[T ~string](value, otherwise T) T {
	if value == "" {
		return otherwise
	}
	return value
}

// permits says which of the steps a mode takes: Observe plans only; CreateOnly creates; Upsert creates and updates,
// and lets people go who left by an explicit act; Full also removes.
func (p Policy) permits(s *Step) bool {
	switch p.Mode {
	case rollcallv1.DownstreamModeFull:
		return true
	case rollcallv1.DownstreamModeUpsert:
		return !s.Removal || s.Cause.Explicit()
	case rollcallv1.DownstreamModeCreateOnly:
		return s.Change.Op == downstream.Create && !s.Removal
	}
	return false
}
