package downstream_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	openfgav1 "github.com/openfga/api/proto/openfga/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/structpb"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/test/servers/openfga"
)

// asker is another program that asks OpenFGA, with the other key.
type asker struct {
	openfgav1.OpenFGAServiceClient
	store string
}

func newAsker(s *openfga.Server) *asker {
	GinkgoHelper()
	roots := x509.NewCertPool()
	Expect(roots.AppendCertsFromPEM(s.CA)).To(BeTrue())
	conn, err := grpc.NewClient(s.Address(), grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12})))
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(conn.Close)
	return &asker{OpenFGAServiceClient: openfgav1.NewOpenFGAServiceClient(conn)}
}

// may returns a function that gives the answer to may-they, at an instant.
func (a *asker) may(ctx context.Context, teammate, permission, object string, at time.Time) func() bool {
	return func() bool {
		ctx := metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+openfga.OtherToken)
		if a.store == "" {
			stores, err := a.ListStores(ctx, &openfgav1.ListStoresRequest{Name: "fjordline"})
			if err != nil || len(stores.GetStores()) == 0 {
				return false
			}
			a.store = stores.GetStores()[0].GetId()
		}
		got, err := a.Check(ctx, &openfgav1.CheckRequest{
			StoreId: a.store, TupleKey: &openfgav1.CheckRequestTupleKey{User: "teammate:email=" + teammate + "@fjordline.example", Relation: "can", Object: object},
			Context: &structpb.Struct{Fields: map[string]*structpb.Value{
				"permission": structpb.NewStringValue(permission), "current_time": structpb.NewStringValue(at.UTC().Format(time.RFC3339)),
			}},
		})
		return err == nil && got.GetAllowed()
	}
}

// openfgaSpecs are about the one driver through everything, from an edit in the cluster to the answer of the server.
func openfgaSpecs() {
	It("OpenFGA gives the answers of the cluster, and follows its edits", func(ctx context.Context) {
		s, err := openfga.Start()
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(s.Stop)
		said.mustNotSay(openfga.Token)
		ns := namespace(ctx)
		later := time.Now().Add(2 * time.Hour).Truncate(time.Second)
		create(ctx, ns, organization+people(4, "")+
			"\n---\nkind: Profile\nmetadata: {name: ig-quebec}\nspec: {type: Social, platform: Instagram, externalID: \"17841400000000001\"}"+
			group("quebecois", fmt.Sprintf(
				"members: [{name: p-0}, {name: p-1}, {name: p-2, until: %q}], profiles: [{name: ig-quebec}], permissionSet: {profileRoleRef: {name: create-publish}}",
				later.UTC().Format(time.RFC3339))))
		t := &target{namespace: ns, name: "authorizer"}
		secret := &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: ns, Name: "authorizer-key", Labels: map[string]string{rollcallv1.LabelDownstream: "authorizer"},
				Annotations: map[string]string{rollcallv1.AnnotationHost: "fga.elsewhere.example:443"},
			},
			Data: map[string][]byte{"token": []byte(openfga.Token), "ca.crt": s.CA},
		}
		Expect(kube.Create(ctx, secret)).To(Succeed())
		create(ctx, ns, fmt.Sprintf(`
kind: Downstream
metadata: {name: authorizer}
spec:
  driver: OpenFGA
  openFGA: {url: %q, storeID: fjordline}
  credentialsSecretRef: {name: authorizer-key}
  mode: Full
  records: [Groups, Access]
  resyncInterval: 24h
  safety: {confirmAbsences: 1, deletionGrace: 0s}
`, s.URL()))
		DeferCleanup(func(ctx context.Context) {
			Expect(client.IgnoreNotFound(kube.Delete(ctx, object("Downstream", ns, "authorizer")))).To(Succeed())
			Eventually(t.gone(ctx)).Should(BeTrue())
		})
		a := newAsker(s)
		now := time.Now()

		By("the Secret is for another host: nothing is sent")
		Eventually(t.is(ctx, "Reachable")).Should(Equal("False/SecretNotOptedIn"))
		Expect(a.may(ctx, "p-0", "care.reply", "profile:ig-quebec", now)()).To(BeFalse())
		Expect(a.store).To(BeEmpty())

		By("the Secret is for this one")
		secret.Annotations[rollcallv1.AnnotationHost] = s.Address()
		Expect(kube.Update(ctx, secret)).To(Succeed())
		edit(ctx, "Downstream", ns, "authorizer", "{spec: {resyncInterval: 1h}}")
		t.synced(ctx)
		for _, who := range []string{"p-0", "p-1", "p-2"} {
			Expect(a.may(ctx, who, "care.reply", "profile:ig-quebec", now)()).To(BeTrue(), who)
		}
		Expect(a.may(ctx, "p-2", "care.reply", "profile:ig-quebec", later)()).To(BeFalse(), "a membership ends by the clock of who asks")
		Expect(a.may(ctx, "p-3", "care.reply", "profile:ig-quebec", now)()).To(BeFalse())
		Expect(a.may(ctx, "p-3", "conversations.handle", "organization:"+ns, now)()).To(BeTrue())

		By("edits")
		edit(ctx, "Teammate", ns, "p-0", "{spec: {lifecycle: {state: Archived}}}")
		edit(ctx, "UserGroup", ns, "quebecois", "{spec: {members: [{name: p-0}, {name: p-1}, {name: p-2}, {name: p-3}]}}")
		Eventually(a.may(ctx, "p-0", "care.reply", "profile:ig-quebec", now)).Should(BeFalse())
		Eventually(a.may(ctx, "p-3", "care.reply", "profile:ig-quebec", now)).Should(BeTrue())
		Eventually(a.may(ctx, "p-2", "care.reply", "profile:ig-quebec", later)).Should(BeTrue())
		Expect(a.may(ctx, "p-1", "care.reply", "profile:ig-quebec", now)()).To(BeTrue())

		By("the key is changed there, and then here")
		Expect(s.Accept("a-new-key-xyzzy", openfga.OtherToken)).To(Succeed())
		said.mustNotSay("a-new-key-xyzzy")
		edit(ctx, "Downstream", ns, "authorizer", "{spec: {resyncInterval: 2h}}")
		Eventually(t.is(ctx, "Reachable")).Should(Equal("False/AuthenticationFailed"))
		secret.Data["token"] = []byte("a-new-key-xyzzy")
		Expect(kube.Update(ctx, secret)).To(Succeed())
		edit(ctx, "Downstream", ns, "authorizer", "{spec: {resyncInterval: 3h}}")
		t.synced(ctx)

		By("another operator goes on")
		operator.restart()
		edit(ctx, "Teammate", ns, "p-1", "{spec: {lifecycle: {state: Archived}}}")
		Eventually(a.may(ctx, "p-1", "care.reply", "profile:ig-quebec", now)).Should(BeFalse())
	})
}
