package manifest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// Write returns objects as YAML documents: apiVersion, kind, the metadata that people write, spec. With keepState what
// results depend on stays too: the times of creation and deletion, because of unique keys and closed gates, and the status
// of Mentions.
func Write(keepState bool, objects ...metav1.Object) ([]byte, error) {
	var b bytes.Buffer
	for i, o := range objects {
		n, err := node(o, keepState)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteString("---\n")
		}
		e := yaml.NewEncoder(&b)
		e.SetIndent(2)
		if err := e.Encode(n); err != nil {
			return nil, fmt.Errorf("writing %s: %w", o.GetName(), err)
		}
	}
	return b.Bytes(), nil
}

// metadata that is part of a manifest.
var metadataKeys = []string{"name", "namespace", "creationTimestamp", "deletionTimestamp", "labels", "annotations"}

// applied is the copy of the object that kubectl apply keeps in it.
const applied = "kubectl.kubernetes.io/last-applied-configuration"

func node(o metav1.Object, keepState bool) (*yaml.Node, error) {
	kind := KindOf(o)
	if kind == "" {
		return nil, fmt.Errorf("writing %s: unknown type %T", o.GetName(), o)
	}
	data, err := json.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("writing %s/%s: %w", kind, o.GetName(), err)
	}
	var n yaml.Node
	if err := yaml.Unmarshal(data, &n); err != nil {
		return nil, fmt.Errorf("writing %s/%s: %w", kind, o.GetName(), err)
	}
	root := n.Content[0]
	plain(root)
	drop(root, "kind", "apiVersion")
	if !keepState || !kinds[kind].state {
		drop(root, "status")
	}
	root.Content = slices.Concat([]*yaml.Node{text("apiVersion"), text(rollcallv1.GroupVersion.String()), text("kind"), text(kind)}, root.Content)
	if _, meta := child(root, "metadata"); meta != nil {
		var kept []*yaml.Node
		for _, key := range metadataKeys {
			if !keepState && (key == "creationTimestamp" || key == "deletionTimestamp") {
				continue
			}
			if _, v := child(meta, key); v != nil && v.ShortTag() != "!!null" {
				drop(v, applied)
				if v.Kind == yaml.MappingNode && len(v.Content) == 0 {
					continue
				}
				kept = append(kept, text(key), v)
			}
		}
		meta.Content = kept
	}
	return root, nil
}

// KindOf names the kind of an object by its Go type; "" for foreign types.
func KindOf(o metav1.Object) string {
	for name, k := range kinds {
		if fmt.Sprintf("%T", k.make()) == fmt.Sprintf("%T", o) {
			return name
		}
	}
	return ""
}

func text(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s} }

// plain takes the style of JSON off a tree. Short lists of plain values stay on one line.
func plain(n *yaml.Node) {
	n.Style = 0
	scalars := true
	for _, c := range n.Content {
		plain(c)
		scalars = scalars && c.Kind == yaml.ScalarNode
	}
	if n.Kind == yaml.SequenceNode && scalars && len(n.Content) <= 8 {
		n.Style = yaml.FlowStyle
	}
}

func drop(n *yaml.Node, keys ...string) {
	if n.Kind != yaml.MappingNode {
		return
	}
	var kept []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		if !slices.Contains(keys, n.Content[i].Value) {
			kept = append(kept, n.Content[i], n.Content[i+1])
		}
	}
	n.Content = kept
}

// WriteSource writes an object given as JSON values: what names things comes first, everything else by name.
func WriteSource(source map[string]any) ([]byte, error) {
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	root, err := ordered(source)
	if err != nil {
		return nil, err
	}
	if err := e.Encode(root); err != nil {
		return nil, fmt.Errorf("writing a manifest: %w", err)
	}
	return b.Bytes(), nil
}

// first are the fields that people look for first.
var first = []string{"apiVersion", "kind", "metadata", "name", "namespace", "identity", "type"}

func ordered(value any) (*yaml.Node, error) {
	n := &yaml.Node{}
	switch v := value.(type) {
	case map[string]any:
		n.Kind = yaml.MappingNode
		keys := slices.SortedFunc(maps.Keys(v), func(a, b string) int {
			place := func(k string) int {
				if i := slices.Index(first, k); i >= 0 {
					return i
				}
				return len(first)
			}
			return cmp.Or(place(a)-place(b), strings.Compare(a, b))
		})
		for _, k := range keys {
			child, err := ordered(v[k])
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, text(k), child)
		}
	case []any:
		n.Kind, n.Style = yaml.SequenceNode, yaml.FlowStyle
		for _, item := range v {
			child, err := ordered(item)
			if err != nil {
				return nil, err
			}
			if child.Kind != yaml.ScalarNode {
				n.Style = 0
			}
			n.Content = append(n.Content, child)
		}
	default:
		if err := n.Encode(v); err != nil {
			return nil, fmt.Errorf("writing a value: %w", err)
		}
	}
	return n, nil
}

// FromObjects makes a set of objects that come from a cluster. They have no positions.
func FromObjects(objects []metav1.Object) (*Set, error) {
	set := &Set{}
	for _, o := range objects {
		source, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", o.GetName(), err)
		}
		set.Objects = append(set.Objects, &Object{Object: o, Kind: KindOf(o), Source: source, document: &document{}})
	}
	return set, nil
}
