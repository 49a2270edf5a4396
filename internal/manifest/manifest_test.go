package manifest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestSamplesAreClean(t *testing.T) {
	entries, err := filepath.Glob("../../config/samples/*")
	if err != nil || len(entries) == 0 {
		t.Fatalf("samples: %v, %v", entries, err)
	}
	for _, dir := range entries {
		start := time.Now()
		s, err := Kustomize(dir)
		if err != nil {
			t.Fatal(err)
		}
		set, errs := Parse([]Source{s}, "x")
		if len(errs) > 0 {
			t.Errorf("%s:\n%s", dir, errs)
		}
		t.Logf("%s %d objects %v", dir, len(set.Objects), time.Since(start))
	}
}

func TestQuick(t *testing.T) {
	data, _ := os.ReadFile("/tmp/x.yaml")
	_, errs := Parse([]Source{{Name: "x.yaml", Data: data}}, "x")
	t.Log("\n" + strings.ReplaceAll(errs.Error(), "\x00", "?"))
}
