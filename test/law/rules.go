package law

// Module is the path of the module that Rules speaks of.
const Module = "github.com/rollcall-dev/rollcall"

// clients are the libraries that no package that decides may reach, not even through others. (Apimachinery itself reaches
// klog and net/http, so loggers and the network can only be forbidden directly: External and Pure do that.)
var clients = []string{
	"github.com/prometheus/...",
	"k8s.io/apiserver/...",
	"k8s.io/cli-runtime/...",
	"k8s.io/client-go/...",
	"k8s.io/component-base/...",
	"sigs.k8s.io/controller-runtime/...",
}

// vocabulary is what everything that decides may use.
var vocabulary = []string{"api/v1alpha1", "internal/canonical", "internal/incr", "internal/permission", "internal/schedule"}

// concerns are the packages with the business rules, each on one of them.
var concerns = []string{"internal/access", "internal/automation", "internal/ledger", "internal/lifecycle", "internal/lint", "internal/mention", "internal/routing"}

// decisions are all pure packages, the facade included.
var decisions = concat(vocabulary, concerns, []string{"internal/engine", "internal/roster"})

// synchronization is what decides and does what connected systems are given; drivers see the contract alone.
var synchronization = []string{"internal/downstream", "internal/downstream/desired", "internal/downstream/plan", "internal/downstream/syncer"}

// values are the foreign libraries of pure packages: types of Kubernetes, and compressed bitmaps for large sets.
var values = []string{
	"github.com/RoaringBitmap/roaring/...",
	"k8s.io/apimachinery/pkg/api/...",
	"k8s.io/apimachinery/pkg/apis/meta/v1/...",
	"k8s.io/apimachinery/pkg/fields/...",
	"k8s.io/apimachinery/pkg/labels/...",
	"k8s.io/apimachinery/pkg/runtime/...",
	"k8s.io/apimachinery/pkg/selection/...",
	"k8s.io/apimachinery/pkg/types/...",
	"k8s.io/apimachinery/pkg/util/sets/...",
	"k8s.io/apimachinery/pkg/util/validation/...",
}

// Rules is the import table of this module, from the bottom up.
var Rules = []Rule{
	{
		Of:  "api/v1alpha1/applyconfiguration/...",
		Own: []string{"api/v1alpha1"},
		External: []string{
			"k8s.io/apimachinery/...", "k8s.io/client-go/applyconfigurations/...", "k8s.io/client-go/testing",
			"sigs.k8s.io/structured-merge-diff/...",
		},
	},
	{Of: "api/...", External: []string{"k8s.io/apimachinery/..."}, Unreachable: clients},

	{Of: "internal/canonical", Pure: true, Unreachable: clients},
	{Of: "internal/incr", Pure: true, Unreachable: clients},
	{Of: "internal/permission", Pure: true, Unreachable: clients},
	{Of: "internal/schedule", Pure: true, Unreachable: clients},
	{Of: "internal/roster", Pure: true, Own: vocabulary, External: values, Unreachable: clients},
	{Of: "internal/ledger", Pure: true, Own: concat(vocabulary, []string{"internal/roster"}), External: values, Unreachable: clients},
	{Of: "internal/lifecycle", Pure: true, Own: concat(vocabulary, []string{"internal/roster"}), External: values, Unreachable: clients},
	// Of the rules one may build on what another one exports, in one order: whether the gate of somebody is open comes before
	// what they may do, and findings are about the results of all.
	{Of: "internal/access", Pure: true, Own: concat(vocabulary, []string{"internal/lifecycle", "internal/roster"}), External: values, Unreachable: clients},
	{Of: "internal/routing", Pure: true, Own: concat(vocabulary, []string{"internal/roster"}), External: values, Unreachable: clients},
	{Of: "internal/mention", Pure: true, Own: concat(vocabulary, []string{"internal/roster"}), External: values, Unreachable: clients},
	{Of: "internal/automation", Pure: true, Own: concat(vocabulary, []string{"internal/roster", "internal/routing"}), External: concat(values, []string{"golang.org/x/text/cases", "golang.org/x/text/unicode/norm"}), Unreachable: clients},
	{Of: "internal/lint", Pure: true, Own: concat(vocabulary, []string{"internal/access", "internal/automation", "internal/lifecycle", "internal/mention", "internal/roster", "internal/routing"}), External: values, Unreachable: clients},
	{Of: "internal/engine", Pure: true, Own: decisions, External: values, Unreachable: clients},

	// An edit is decided by the engine; how it gets into a text is another matter and knows none of our objects.
	{Of: "internal/edit", Pure: true, Own: decisions, External: values, Unreachable: clients},
	{Of: "internal/edit/inplace", Pure: true, External: []string{"go.yaml.in/yaml/..."}, Unreachable: clients},

	// Files of people: the rows of a file know nothing of teammates.
	{Of: "internal/sheet", Pure: true, External: []string{"github.com/xuri/excelize/..."}, Unreachable: clients},
	{Of: "internal/rollimport", Pure: true, Own: concat(vocabulary, []string{"internal/roster", "internal/sheet"}), External: values, Unreachable: clients},

	// The contract of the drivers knows none of them; a driver knows no other. Only the one that writes RoleBindings has a
	// client of Kubernetes.
	{Of: "internal/downstream", Own: []string{"internal/canonical"}, Unreachable: clients},
	{Of: "internal/downstream/plan", Pure: true, Own: concat(decisions, []string{"internal/downstream"}), External: values, Unreachable: clients},
	{Of: "internal/downstream/desired", Pure: true, Own: concat(decisions, []string{"internal/downstream", "internal/downstream/plan"}), External: values, Unreachable: clients},
	{Of: "internal/downstream/adopt", Pure: true, Own: concat(decisions, []string{"internal/downstream"}), External: values, Unreachable: clients},
	{Of: "internal/downstream/syncer", Own: concat(decisions, synchronization), External: []string{"golang.org/x/time/rate", "github.com/sony/gobreaker/...", "github.com/cenkalti/backoff/..."}, Unreachable: clients},
	{Of: "internal/downstream/drivertest", Own: concat(decisions, synchronization), External: []string{"..."}, Unreachable: clients},
	{Of: "internal/downstream/kubernetesrbac/...", Own: concat(decisions, []string{"internal/downstream"}), External: []string{"..."}},
	{Of: "internal/downstream/...", Own: concat(decisions, []string{"internal/downstream"}), External: []string{"..."}, Unreachable: clients, Islands: true},

	// The CRDs as files of a program: plugin and tests validate against exactly what a cluster gets.
	{Of: "config/crd"},
	{Of: "internal/manifest/...", Own: concat(decisions, []string{"config/crd"}), External: []string{"..."}},

	// What controllers share: engines kept by namespace, and the one way to write an output.
	{Of: "internal/desk", Own: decisions, External: []string{"..."}},
	{Of: "internal/publish", Own: concat(decisions, []string{"api/v1alpha1/applyconfiguration/...", "internal/desk"}), External: []string{"..."}},

	// The composition root alone sees several concerns.
	{Of: "controllers", Own: []string{"..."}, External: []string{"..."}},
	{Of: "controllers/...", Own: concat(decisions, []string{"api/v1alpha1/applyconfiguration/...", "internal/desk", "internal/publish"}, synchronization), External: []string{"..."}, Islands: true},

	{Of: "cmd/...", Own: []string{"..."}, External: []string{"..."}},
	{Of: "hack/...", Own: []string{"..."}, External: []string{"..."}},
	// What the suites share is a cluster with the operator in it, and nothing of what one of them is about.
	{Of: "test/integration/cluster", Own: []string{"api/...", "controllers", "controllers/...", "internal/..."}, External: []string{"..."}},
	{Of: "test/...", Own: []string{"..."}, External: []string{"..."}},
}

func concat(lists ...[]string) []string {
	var all []string
	for _, list := range lists {
		all = append(all, list...)
	}
	return all
}
