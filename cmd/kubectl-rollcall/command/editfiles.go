package command

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/edit"
	"github.com/rollcall-dev/rollcall/internal/edit/inplace"
	"github.com/rollcall-dev/rollcall/internal/manifest"
)

// refuse asks layer 1 about changed objects, on all processors: schemas and rules take most of the time of an edit.
func refuse(changes []edit.Change) []string {
	out := make([]string, len(changes))
	limit := make(chan struct{}, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for i, c := range changes {
		limit <- struct{}{}
		wg.Go(func() {
			defer func() { <-limit }()
			out[i] = refusal(c)
		})
	}
	wg.Wait()
	return out
}

func refusal(c edit.Change) string {
	now, err := edit.Values(c.After)
	if err != nil {
		return err.Error()
	}
	var before map[string]any
	if c.Before != nil {
		if before, err = edit.Values(c.Before); err != nil {
			return err.Error()
		}
	}
	if _, findings := manifest.Check(manifest.KindOf(c.After), now, before); len(findings) > 0 {
		f := findings[0]
		return fmt.Sprintf("%s/%s: %s: %s", manifest.KindOf(c.After), c.After.GetName(), f.Field, f.Message)
	}
	return ""
}

// stdinName is the source that -f - becomes.
const stdinName = "stdin"

// filesEdit writes one edit.
type filesEdit struct {
	*plugin
	in     *inputs
	stdin  []byte
	failed map[string]string // person -> why
}

// editFiles writes the changes into the files they come from. Either all files are written or none: what cannot be edited
// in place is found before, and fails its people.
func (p *plugin) editFiles(in *inputs, outcome *edit.Outcome, stdin []byte, dryRun bool) (map[string]string, error) {
	e := &filesEdit{plugin: p, in: in, stdin: stdin, failed: map[string]string{}}
	texts, err := e.texts(outcome.Changed)
	if err != nil || dryRun {
		return e.failed, err
	}
	if stdin != nil {
		text, changed := texts[stdinName]
		if !changed {
			text = stdin
		}
		delete(texts, stdinName)
		if _, err := p.Out.Write(text); err != nil {
			return nil, err
		}
	}
	return e.failed, writeAll(texts)
}

// texts are the files as they shall be, by name. People whose objects cannot be edited in place fail, and the rest is done
// without them.
func (e *filesEdit) texts(changed []edit.Change) (map[string][]byte, error) {
	for {
		texts := map[string][]byte{}
		byFile := map[string][]edit.Change{}
		for _, c := range changed {
			if c = e.still(c); len(c.People) == 0 {
				continue
			}
			if c.Before == nil {
				if err := e.create(texts, c); err != nil {
					return nil, err
				}
				continue
			}
			file := e.in.files.Find(e.in.namespace, manifest.KindOf(c.Before), c.Before.GetName()).Position().File
			byFile[file] = append(byFile[file], c)
		}
		before := len(e.failed)
		for _, file := range slices.Sorted(maps.Keys(byFile)) {
			if err := e.rewrite(texts, file, byFile[file]); err != nil {
				return nil, err
			}
		}
		if len(e.failed) == before {
			return texts, nil
		}
	}
}

// still is a change without the people who failed meanwhile.
func (e *filesEdit) still(c edit.Change) edit.Change {
	people := slices.DeleteFunc(slices.Clone(c.People), func(name string) bool { _, failed := e.failed[name]; return failed })
	if len(people) == len(c.People) || len(people) == 0 {
		c.People = people
		return c
	}
	start := c.Before
	if start == nil {
		start = &rollcallv1.UserGroup{ObjectMeta: metav1.ObjectMeta{Name: c.After.GetName(), Namespace: c.After.GetNamespace()}}
	}
	if after, err := c.Again(start, people); err == nil {
		c.After, c.People = after, people
	}
	return c
}

func (e *filesEdit) read(texts map[string][]byte, file string) ([]byte, error) {
	if data, done := texts[file]; done {
		return data, nil
	}
	if file == stdinName && e.stdin != nil {
		return e.stdin, nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, unreadable(err)
	}
	return data, nil
}

// rewrite puts the changes into one file. If the file as a whole cannot be edited, the objects that cause it fail.
func (e *filesEdit) rewrite(texts map[string][]byte, file string, changes []edit.Change) error {
	data, err := e.read(texts, file)
	if err != nil {
		return err
	}
	whole, err := e.rewritten(data, changes)
	if err == nil {
		texts[file] = whole
		return nil
	}
	found := false
	for _, c := range changes {
		if _, one := e.rewritten(data, []edit.Change{c}); one != nil {
			e.fail(c, file, one)
			found = true
		}
	}
	if !found {
		for _, c := range changes {
			e.fail(c, file, err)
		}
	}
	return nil
}

func (e *filesEdit) fail(c edit.Change, file string, err error) {
	for _, name := range c.People {
		e.failed[name] = fmt.Sprintf("%s: %s/%s: %v", file, manifest.KindOf(c.After), c.After.GetName(), err)
	}
}

func (e *filesEdit) rewritten(data []byte, changes []edit.Change) ([]byte, error) {
	type object struct{ kind, name string }
	todo := map[object]edit.Change{}
	for _, c := range changes {
		todo[object{manifest.KindOf(c.After), c.After.GetName()}] = c
	}
	var failed error
	out, err := inplace.Rewrite(data, func(written map[string]any) map[string]any {
		kind, _ := written["kind"].(string)
		meta, _ := written["metadata"].(map[string]any)
		name, _ := meta["name"].(string)
		c, wanted := todo[object{kind, name}]
		if group, _ := written["apiVersion"].(string); !wanted || group != rollcallv1.GroupVersion.String() || !e.here(meta) {
			return nil
		}
		delete(todo, object{kind, name})
		carried, err := carry(written, c)
		if err != nil {
			failed = err
		}
		return carried
	})
	switch {
	case failed != nil:
		return nil, failed
	case err != nil:
		return nil, err
	case len(todo) > 0:
		return nil, errors.New("the object is not in the file any more; run the command again")
	}
	return out, nil
}

// here reports whether an object belongs to the organization.
func (e *filesEdit) here(meta map[string]any) bool {
	namespace, _ := meta["namespace"].(string)
	return namespace == e.in.namespace || namespace == "" && e.fileNamespace() == e.in.namespace
}

// carry makes a change on what the author wrote, and has layer 1 look at the result.
func carry(written map[string]any, c edit.Change) (map[string]any, error) {
	before, err := edit.Values(c.Before)
	if err != nil {
		return nil, err
	}
	after, err := edit.Values(c.After)
	if err != nil {
		return nil, err
	}
	carried := edit.Carry(written, map[string]any{"spec": before["spec"]}, map[string]any{"spec": after["spec"]})
	if _, findings := manifest.Check(manifest.KindOf(c.After), carried, nil); len(findings) > 0 {
		return nil, fmt.Errorf("%s: %s", findings[0].Field, findings[0].Message)
	}
	return carried, nil
}

// create writes a new group: into a file of its own beside the other groups, or behind them if a single file is edited.
func (e *filesEdit) create(texts map[string][]byte, c edit.Change) error {
	anchor := e.anchor()
	file := anchor.Position().File
	data, err := e.read(texts, file)
	if err != nil {
		return err
	}
	document, err := e.document(c, anchor)
	if err != nil {
		return err
	}
	named := file == stdinName && e.stdin != nil || slices.ContainsFunc(e.options.files, func(f string) bool { return filepath.Clean(f) == filepath.Clean(file) })
	if named && filepath.Ext(file) != ".json" {
		texts[file] = inplace.Append(data, document)
		return nil
	}
	name := filepath.Join(filepath.Dir(file), "usergroup-"+c.After.GetName()+".yaml")
	if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
		return inputError("%s: exists already; expected no such file for the new UserGroup %s", name, c.After.GetName())
	}
	texts[name] = document
	return e.list(texts, name, filepath.Base(file))
}

// anchor is the object beside which a new group is written: the last group, else the last object of the organization.
func (e *filesEdit) anchor() *manifest.Object {
	var last, group *manifest.Object
	for _, o := range e.in.files.Objects {
		if o.GetNamespace() != e.in.namespace {
			continue
		}
		last = o
		if _, ok := o.Object.(*rollcallv1.UserGroup); ok {
			group = o
		}
	}
	if group != nil {
		return group
	}
	return last
}

func (e *filesEdit) document(c edit.Change, anchor *manifest.Object) ([]byte, error) {
	values, err := edit.Values(c.After)
	if err != nil {
		return nil, fmt.Errorf("writing UserGroup %s: %w", c.After.GetName(), err)
	}
	spec, _ := values["spec"].(map[string]any)
	meta := map[string]any{"name": c.After.GetName()}
	if written, _ := anchor.Source["metadata"].(map[string]any); written["namespace"] != nil {
		meta["namespace"] = written["namespace"]
	}
	return manifest.WriteSource(map[string]any{
		"apiVersion": rollcallv1.GroupVersion.String(), "kind": manifest.KindOf(c.After), "metadata": meta, "spec": map[string]any{"members": spec["members"]},
	})
}

// list adds a new file to the kustomization of its folder, if that lists the file beside it.
func (e *filesEdit) list(texts map[string][]byte, name, beside string) error {
	for _, base := range []string{"kustomization.yaml", "kustomization.yml"} {
		file := filepath.Join(filepath.Dir(name), base)
		data, err := e.read(texts, file)
		if err != nil {
			continue // no kustomization of that name
		}
		out, err := inplace.Rewrite(data, func(written map[string]any) map[string]any {
			resources, _ := written["resources"].([]any)
			if !slices.Contains(resources, any(beside)) {
				return nil
			}
			changed := maps.Clone(written)
			changed["resources"] = append(slices.Clone(resources), filepath.Base(name))
			return changed
		})
		if err != nil {
			return inputError("%s: %w", file, err)
		}
		texts[file] = out
	}
	return nil
}

// writeAll replaces files, all or none: every text lies in a new file beside the old one before the first is moved, and
// what was moved is put back if another cannot be.
func writeAll(texts map[string][]byte) error {
	type replacement struct {
		file, temporary string
		old             []byte // nil: the file is new
	}
	var todo []replacement
	defer func() {
		for _, r := range todo {
			_ = os.Remove(r.temporary) // gone already where it was moved
		}
	}()
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		file := name
		if target, err := filepath.EvalSymlinks(name); err == nil {
			file = target
		}
		old, err := os.ReadFile(file)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return unreadable(err)
		}
		if err == nil && string(old) == string(texts[name]) {
			continue
		}
		temporary, err := besides(file, texts[name])
		if err != nil {
			return unreadable(err)
		}
		todo = append(todo, replacement{file, temporary, old})
	}
	for i, r := range todo {
		err := os.Rename(r.temporary, r.file)
		if err == nil {
			continue
		}
		var stuck []string
		for _, done := range todo[:i] {
			if back := putBack(done.file, done.old); back != nil {
				stuck = append(stuck, done.file)
			}
		}
		if len(stuck) > 0 {
			return inputError("%s: %w; already written and not put back: %s", r.file, err, strings.Join(stuck, ", "))
		}
		return inputError("%s: %w; no file was changed", r.file, err)
	}
	return nil
}

func putBack(file string, old []byte) error {
	if old == nil {
		return os.Remove(file)
	}
	temporary, err := besides(file, old)
	if err != nil {
		return err
	}
	return os.Rename(temporary, file)
}

// besides writes a text into a new file in the folder of another, with the permissions of that one.
func besides(file string, data []byte) (string, error) {
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(file); err == nil {
		mode = info.Mode().Perm()
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".rollcall-*")
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}
