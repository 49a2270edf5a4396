package downstream_test

import (
	"context"
	"encoding/json"
	"slices"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	eventsv1 "k8s.io/api/events/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// witness remembers everything that the operator said: every status of every Downstream, every event, and what metrics were at the
// end of each spec.
type witness struct {
	mu      sync.Mutex
	texts   []string
	secrets []string
}

// listen begins to listen, until the suite ends.
func listen() *witness {
	GinkgoHelper()
	w := &witness{}
	for _, list := range []client.ObjectList{&rollcallv1.DownstreamList{}, &eventsv1.EventList{}} {
		ctx, stop := context.WithCancel(context.Background())
		watch, err := kube.Watch(ctx, list)
		Expect(err).NotTo(HaveOccurred())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for e := range watch.ResultChan() {
				switch o := e.Object.(type) {
				case *rollcallv1.Downstream:
					w.hear(o.Status)
				case *eventsv1.Event:
					w.hear(o.Reason + ": " + o.Note)
				}
			}
		}()
		DeferCleanup(func() {
			watch.Stop()
			stop()
			<-ended
		})
	}
	return w
}

func (w *witness) hear(what any) {
	text, isText := what.(string)
	if !isText {
		b, err := json.Marshal(what)
		if err != nil {
			text = err.Error()
		} else {
			text = string(b)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.texts = append(w.texts, text)
}

// heard returns all of it.
func (w *witness) heard() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.texts)
}

// mustNotSay adds to what is looked for.
func (w *witness) mustNotSay(secret string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.secrets = append(w.secrets, secret)
}
