package command

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// warehouse is a Downstream for the organization of care.yaml.
const warehouse = `---
apiVersion: rollcall.dev/v1alpha1
kind: Downstream
metadata: {name: warehouse, namespace: care}
spec: {driver: PostgreSQL, postgreSQL: {}, records: [Users, Groups], credentialsSecretRef: {name: dsn}}
`

func TestExportWanted(t *testing.T) {
	text, err := os.ReadFile(in("care.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	input := string(text) + warehouse
	got := run(t, input, "export", "--downstream", "warehouse", "--wanted", "-f", "-", "-n", "care", "-o", "json")
	var answer struct {
		Records []struct {
			Kind, Key, Name string
			Active          bool
			Cause           string
			Content         map[string]any
		}
	}
	if err := json.Unmarshal([]byte(got.out), &answer); err != nil || got.code != 0 {
		t.Fatalf("exit %d, error %v: %s", got.code, err, got.err)
	}
	kinds := map[string]int{}
	for _, r := range answer.Records {
		kinds[r.Kind]++
		if r.Key == "" || r.Name == "" || len(r.Content) == 0 {
			t.Errorf("incomplete: %+v", r)
		}
		if r.Active != (r.Cause == "") {
			t.Errorf("%s/%s: active %t because %q", r.Kind, r.Name, r.Active, r.Cause)
		}
	}
	if kinds["Users"] == 0 || kinds["Groups"] == 0 || len(kinds) != 2 {
		t.Errorf("kinds %v, want those that the Downstream lists", kinds)
	}
	if again := run(t, input, "export", "--downstream", "warehouse", "--wanted", "-f", "-", "-n", "care", "-o", "json"); again.out != got.out {
		t.Errorf("the same input gives other bytes:\n%s", cmp.Diff(got.out, again.out))
	}
	if table := run(t, input, "export", "--downstream", "warehouse", "--wanted", "-f", "-", "-n", "care"); !strings.HasPrefix(table.out, "KIND    NAME") {
		t.Errorf("table: %s%s", table.out, table.err)
	}
}

func TestExportUsage(t *testing.T) {
	for name, tc := range map[string]struct {
		args []string
		want int
	}{
		"no name":            {args: []string{"export"}, want: exitUsage},
		"held, on files":     {args: []string{"export", "--downstream", "warehouse", "-f", in("care.yaml")}, want: exitUsage},
		"wanted into a dir":  {args: []string{"export", "--downstream", "warehouse", "--wanted", "-d", "x"}, want: exitUsage},
		"manifests as json":  {args: []string{"export", "--downstream", "warehouse", "-o", "json"}, want: exitUsage},
		"unknown Downstream": {args: []string{"export", "--downstream", "warehouse", "--wanted", "-f", in("care.yaml"), "-n", "care"}, want: exitInput},
		"no cluster":         {args: []string{"export", "--downstream", "warehouse"}, want: exitUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			if got := run(t, "", tc.args...); got.code != tc.want || got.out != "" {
				t.Errorf("exit %d, want %d: %s%s", got.code, tc.want, got.out, got.err)
			}
		})
	}
}
