package command

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rollcall-dev/rollcall/internal/manifest"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

func (p *plugin) snapshot() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "snapshot",
		Short: "Specs and state of a live organization in one file",
		Long:  "Writes the specs and the state of a live organization into one file, which --state-from and -f read.",
		Args:  between(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			if p.options.offline() {
				return usageError("snapshot reads a live organization; expected no -f and no -k")
			}
			l, err := p.connect()
			if err != nil {
				return err
			}
			objects, err := l.objects(c.Context())
			if err != nil {
				return err
			}
			ledgers, err := l.ledgers(c.Context())
			if err != nil {
				return clusterError(err)
			}
			for _, o := range ledgers {
				objects = append(objects, o)
			}
			data, err := snapshotOf(objects)
			if err != nil {
				return err
			}
			if out == "" || out == "-" {
				_, err = p.Out.Write(data)
				return err
			}
			if err := os.WriteFile(out, data, 0o600); err != nil {
				return unreadable(err)
			}
			fmt.Fprintf(p.Err, "%s: %d objects\n", out, len(objects))
			return nil
		},
	}
	p.clusterFlags(c)
	c.Flags().StringVarP(&out, "output", "o", "", "file to write (default: stdout)")
	return c
}

// snapshotOf writes objects by kind and name.
func snapshotOf(objects []metav1.Object) ([]byte, error) {
	order := append(slices.Clone(roster.Kinds), manifest.KindLedger)
	objects = slices.Clone(objects)
	slices.SortStableFunc(objects, func(a, b metav1.Object) int {
		if x, y := slices.Index(order, manifest.KindOf(a)), slices.Index(order, manifest.KindOf(b)); x != y {
			return x - y
		}
		return strings.Compare(a.GetName(), b.GetName())
	})
	return manifest.Write(true, objects...)
}
