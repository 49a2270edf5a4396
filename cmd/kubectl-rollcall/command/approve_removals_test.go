package command

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// holding is a Downstream that holds removals with that hash; none if it is empty.
func holding(hash string) *rollcallv1.Downstream {
	d := &rollcallv1.Downstream{ObjectMeta: metav1.ObjectMeta{Name: "warehouse", Namespace: "default", ResourceVersion: "1"}}
	if hash != "" {
		d.Status.Held = &rollcallv1.HeldRemovals{Count: 2, First: []string{"Users/ana", "Users/ben"}, Hash: hash}
	}
	return d
}

// moving is a cluster on which a Downstream is changed by others: each Patch but the last conflicts.
type moving struct {
	client.Client
	states  []*rollcallv1.Downstream // after each conflict
	refuse  error
	patched []string // the annotation, by each Patch that was let through
}

func (c *moving) Get(_ context.Context, _ client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	c.states[0].DeepCopyInto(into.(*rollcallv1.Downstream))
	c.states = c.states[1:]
	return nil
}

func (c *moving) Patch(_ context.Context, o client.Object, p client.Patch, _ ...client.PatchOption) error {
	data, err := p.Data(o)
	if err != nil {
		return err
	}
	if !bytes.Contains(data, []byte(`"resourceVersion"`)) {
		return errors.New("the patch would overwrite what others changed")
	}
	if len(c.states) > 0 {
		return apierrors.NewConflict(schema.GroupResource{}, o.GetName(), errors.New("it changed"))
	}
	if c.refuse == nil {
		c.patched = append(c.patched, o.GetAnnotations()[rollcallv1.AnnotationApproveRemovals])
	}
	return c.refuse
}

func TestOnlyWhatWasShownIsApproved(t *testing.T) {
	for name, tc := range map[string]struct {
		states      []*rollcallv1.Downstream
		refuse      error
		wantPatched string
		wantError   string
		wantCode    int
	}{
		"at once":                      {wantPatched: "aaaa"},
		"something else changed":       {states: []*rollcallv1.Downstream{holding("aaaa"), holding("aaaa")}, wantPatched: "aaaa"},
		"a removal came on top":        {states: []*rollcallv1.Downstream{holding("aaaa"), holding("bbbb")}, wantError: "2 removals with the hash bbbb are held now", wantCode: exitNo},
		"they are not asked for again": {states: []*rollcallv1.Downstream{holding("")}, wantError: "nothing is held now", wantCode: exitNo},
		"denied":                       {refuse: apierrors.NewForbidden(schema.GroupResource{}, "warehouse", errors.New("ACT-11")), wantError: "ACT-11", wantCode: exitNo},
		"refused by a policy":          {refuse: apierrors.NewInvalid(schema.GroupKind{}, "warehouse", nil), wantError: "nothing was approved", wantCode: exitNo},
	} {
		t.Run(name, func(t *testing.T) {
			c := &moving{states: tc.states, refuse: tc.refuse}
			err := (&live{Client: c, namespace: "default"}).annotate(t.Context(), holding("aaaa"), "aaaa", "aaaa")
			if got := strings.Join(c.patched, ","); got != tc.wantPatched {
				t.Errorf("approved %q, want %q", got, tc.wantPatched)
			}
			f, failed := errors.AsType[*failure](err)
			if failed != (tc.wantCode != 0) || failed && (f.code != tc.wantCode || !strings.Contains(f.Error(), tc.wantError)) {
				t.Errorf("error = %v, want code %d and %q", err, tc.wantCode, tc.wantError)
			}
		})
	}
}

// An approval that lapsed is taken back and given anew: the operator takes no notice of a value that stays the same.
func TestApprovalThatLapsedIsGivenAnew(t *testing.T) {
	for name, tc := range map[string]struct {
		meanwhile *rollcallv1.Downstream
		want      string
		wantError bool
	}{
		"the same is held":      {meanwhile: holding("aaaa"), want: ",aaaa"},
		"something else is now": {meanwhile: holding("bbbb"), want: "", wantError: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := holding("aaaa")
				d.Annotations = map[string]string{rollcallv1.AnnotationApproveRemovals: "aaaa"}
				c := &lapsed{moving: moving{}, meanwhile: tc.meanwhile}
				begun := time.Now()
				err := (&live{Client: c, namespace: "default"}).approve(t.Context(), d, "aaaa")
				if got := strings.Join(c.patched, ","); got != tc.want || (err != nil) != tc.wantError {
					t.Errorf("annotations %q, want %q; error %v", got, tc.want, err)
				}
				if waited := time.Since(begun); waited < takenIn {
					t.Errorf("waited %s for the operator", waited)
				}
			})
		})
	}
}

// lapsed is a cluster on which a Downstream is another one after the first Patch.
type lapsed struct {
	moving
	meanwhile *rollcallv1.Downstream
}

func (c *lapsed) Get(_ context.Context, _ client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	c.meanwhile.DeepCopyInto(into.(*rollcallv1.Downstream))
	return nil
}

func TestApprovalIsAsked(t *testing.T) {
	for answer, want := range map[string]bool{"y\n": true, "Yes\n": true, "yes": true, "n\n": false, "\n": false, "": false, "yellow\n": false} {
		p := &plugin{Streams: Streams{In: strings.NewReader(answer), Out: &bytes.Buffer{}, Err: &bytes.Buffer{}}}
		if got := p.agreed("?"); got != want {
			t.Errorf("%q counts as %t", answer, got)
		}
	}
}

func TestApproveIsForClusters(t *testing.T) {
	got := run(t, "", "approve", "warehouse", "-f", in("care.yaml"))
	if got.code != exitUsage || !strings.Contains(got.err, "expected no -f") {
		t.Errorf("exit %d: %s", got.code, got.err)
	}
	if got = run(t, "", "approve"); got.code != exitUsage {
		t.Errorf("without a name: exit %d: %s", got.code, got.err)
	}
	if got = run(t, "", "approve", "warehouse"); got.code != exitUnreachable {
		t.Errorf("without a cluster: exit %d: %s", got.code, got.err)
	}
}
