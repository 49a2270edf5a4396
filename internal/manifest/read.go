package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// Source is one file of the input.
type Source struct {
	Name string
	Data []byte
	// Folder is set for files found in a folder: there, documents that are no Kubernetes objects belong to something else.
	Folder bool
	// Origins are files in which objects of Data may have been written first; their lines are the better positions.
	Origins []Source
}

// Paths reads files, folders with everything below them, and `-` for stdin, in that order and folders by name.
func Paths(paths []string, stdin io.Reader) ([]Source, error) {
	var out []Source
	for _, path := range paths {
		if path == "-" {
			data, err := io.ReadAll(stdin)
			if err != nil {
				return nil, fmt.Errorf("reading stdin: %w", err)
			}
			out = append(out, Source{Name: "stdin", Data: data})
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if info.IsDir() {
			files, err := folder(path)
			if err != nil {
				return nil, err
			}
			out = append(out, files...)
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		out = append(out, Source{Name: path, Data: data})
	}
	return out, nil
}

func folder(root string) ([]Source, error) {
	var out []Source
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if path != root && strings.HasPrefix(entry.Name(), ".") {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if entry.IsDir() || !slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(path)) {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		out = append(out, Source{Name: path, Data: data, Folder: true})
		return nil
	})
	return out, err
}

// Kustomize builds a kustomization. Positions are those in the files below the folder where an object of that kind and name
// stands in one, else those in the built output.
func Kustomize(dir string) (Source, error) {
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		return Source{}, fmt.Errorf("building %s: %w", dir, err)
	}
	data, err := built.AsYaml()
	if err != nil {
		return Source{}, fmt.Errorf("building %s: %w", dir, err)
	}
	origins, err := folder(dir)
	if err != nil {
		return Source{}, err
	}
	return Source{Name: dir + " (built)", Data: data, Folder: true, Origins: origins}, nil
}

// Parse reads the documents of all sources, checks and decodes them. Objects without a namespace belong to the given one.
// Objects with errors are left out of the set, and errors do not keep other objects out.
func Parse(sources []Source, namespace string) (*Set, Errors) {
	set := &Set{Skipped: map[string]int{}}
	var errs Errors
	for _, s := range sources {
		p := parser{namespace: namespace, set: set, folder: s.Folder, origins: origins(s.Origins)}
		p.source(s)
		p.finish()
		errs = append(errs, sortErrors(p.errs)...)
	}
	return set, append(errs, set.duplicates()...)
}

type parser struct {
	namespace string
	set       *Set
	folder    bool
	origins   map[string]*document
	pending   []pending
	errs      Errors
}

// pending is a document of a known kind that is still to be checked.
type pending struct {
	*document
	kind string
}

// origins indexes the documents of unbuilt files by kind and name; a name that occurs twice has no single origin.
func origins(sources []Source) map[string]*document {
	out := map[string]*document{}
	for _, s := range sources {
		for _, n := range documents(s, func(*Error) {}) {
			d := &document{file: s.Name, node: n}
			_, kind := child(n, "kind")
			_, meta := child(n, "metadata")
			if kind == nil || meta == nil {
				continue
			}
			if _, name := child(meta, "name"); name != nil {
				key := kind.Value + "/" + name.Value
				if _, twice := out[key]; twice {
					d = nil
				}
				out[key] = d
			}
		}
	}
	return out
}

var yamlLine = regexp.MustCompile(`line (\d+): `)

// documents cuts a source into its documents. The rest of a file after malformed YAML cannot be read.
func documents(s Source, report func(*Error)) []*yaml.Node {
	var out []*yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(s.Data))
	for {
		var n yaml.Node
		switch err := decoder.Decode(&n); {
		case errors.Is(err, io.EOF):
			return out
		case err != nil:
			e := &Error{Position: Position{File: s.Name}, Rule: RuleSchema, Unreadable: true}
			text := strings.TrimPrefix(err.Error(), "yaml: ")
			if m := yamlLine.FindStringSubmatch(text); m != nil {
				e.Line, _ = strconv.Atoi(m[1])
				text = strings.Replace(text, m[0], "", 1)
			}
			e.Message = strings.Join(strings.Fields(text), " ") + "; expected well-formed YAML"
			report(e)
			return out
		}
		if n.Kind != yaml.DocumentNode || len(n.Content) != 1 {
			continue
		}
		if alias := cyclic(n.Content[0]); alias != nil {
			report(&Error{Position: Position{s.Name, alias.Line}, Rule: RuleSchema, Unreadable: true, Message: "*" + alias.Value + " stands inside of what it stands for; expected a document without cycles"})
			continue
		}
		out = append(out, n.Content[0])
	}
}

func (p *parser) source(s Source) {
	for _, n := range documents(s, func(e *Error) { p.errs = append(p.errs, e) }) {
		if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
			continue
		}
		p.document(&document{file: s.Name, node: n})
	}
}

func (p *parser) document(d *document) {
	n := resolve(d.node)
	at := d.position("")
	if n.Kind != yaml.MappingNode {
		if !p.folder {
			p.errs = append(p.errs, &Error{Position: at, Rule: RuleSchema, Unreadable: true, Message: "not an object; expected apiVersion, kind, metadata and spec"})
		}
		return
	}
	text := func(key string) string {
		if _, v := child(n, key); v != nil && v.Kind == yaml.ScalarNode {
			return v.Value
		}
		return ""
	}
	apiVersion, kind := text("apiVersion"), text("kind")
	group, _, _ := strings.Cut(apiVersion, "/")
	switch {
	case apiVersion == "" || kind == "":
		_, hasSpec := child(n, "spec")
		_, hasMetadata := child(n, "metadata")
		if p.folder && hasSpec == nil && hasMetadata == nil && group != rollcallv1.GroupName {
			return
		}
		p.errs = append(p.errs, &Error{Position: at, Rule: RuleSchema, Unreadable: true,
			Message: "apiVersion or kind is missing; expected apiVersion: " + rollcallv1.GroupVersion.String() + " and a kind"})
	case strings.HasSuffix(kind, "List") && (group == rollcallv1.GroupName || apiVersion == "v1" && kind == "List"):
		if _, items := child(n, "items"); items != nil && resolve(items).Kind == yaml.SequenceNode {
			for _, item := range resolve(items).Content {
				p.document(&document{file: d.file, node: item})
			}
		}
	case group != rollcallv1.GroupName:
		p.set.Skipped[apiVersion+" "+kind]++
	case apiVersion != rollcallv1.GroupVersion.String():
		p.errs = append(p.errs, &Error{Position: d.position("apiVersion"), Object: kind, Field: "apiVersion", Rule: RuleSchema, Unreadable: true,
			Message: fmt.Sprintf("unknown version %q; expected %s", apiVersion, rollcallv1.GroupVersion)})
	case !Known(kind):
		p.errs = append(p.errs, &Error{Position: d.position("kind"), Object: kind, Field: "kind", Rule: RuleSchema,
			Message: fmt.Sprintf("unknown kind; expected one of %s", strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))})
	default:
		p.pending = append(p.pending, pending{d, kind})
	}
}

// finish checks and decodes the pending documents on all processors: schemas and rules take most of the time of a command.
// The order of the input stays.
func (p *parser) finish() {
	objects := make([]*Object, len(p.pending))
	errs := make([]Errors, len(p.pending))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(p.pending)) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(p.pending); i = int(next.Add(1)) - 1 {
				objects[i], errs[i] = p.object(p.pending[i].document, p.pending[i].kind)
			}
		})
	}
	wg.Wait()
	for i, o := range objects {
		p.errs = append(p.errs, errs[i]...)
		if o != nil {
			p.set.Objects = append(p.set.Objects, o)
		}
	}
	p.pending = nil
}

func (p *parser) object(d *document, kind string) (*Object, Errors) {
	c := converter{file: d.file}
	source, _ := c.value(resolve(d.node), "").(map[string]any)
	meta, _ := source["metadata"].(map[string]any)
	name, _ := meta["name"].(string)
	id := kind + "/" + name
	if origin := p.origins[id]; origin != nil {
		d = origin
	}
	if len(c.errs) > 0 {
		for _, e := range c.errs {
			e.Object = id
		}
		return nil, c.errs
	}
	o, findings := decode(kind, source, p.namespace)
	var errs Errors
	for _, f := range findings {
		errs = append(errs, &Error{Position: d.position(f.Field), Object: id, Field: f.Field, Rule: f.Rule, Message: f.Message})
	}
	if len(errs) > 0 {
		return nil, errs
	}
	return &Object{Object: o, Kind: kind, Source: source, document: d}, nil
}
