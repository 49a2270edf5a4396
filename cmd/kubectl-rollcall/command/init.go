package command

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/manifest"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

func (p *plugin) initialize() *cobra.Command {
	var preset, dir string
	var withSchemas bool
	c := &cobra.Command{
		Use:   "init",
		Short: "Write an Organization and, for editing, the built-in roles as manifests",
		Args:  between(0, 0),
		RunE: func(*cobra.Command, []string) error {
			files, err := p.starters(preset)
			if err != nil {
				return err
			}
			if withSchemas {
				if dir == "" {
					return usageError("--schemas writes files; expected -d with a folder")
				}
				schemas, err := editorSchemas()
				if err != nil {
					return err
				}
				files = append(files, schemas...)
			}
			return p.writeFiles(dir, files)
		},
	}
	f := c.Flags()
	f.StringVar(&preset, "preset", string(rollcallv1.PresetCustom), "Custom, SocialCare, ChatDesk, AgentFeedback, PatientMessaging or VoiceCenter")
	f.StringVarP(&dir, "directory", "d", "", "folder to write to (default: stdout)")
	f.BoolVar(&withSchemas, "schemas", false, "also write JSON schemas of every kind for editors, below schemas/")
	f.StringVarP(&p.options.namespace, "namespace", "n", "", "namespace to put into the manifests")
	return c
}

// file is something to write: a name below the folder, and its content.
type file struct {
	name string
	data []byte
}

var presets = []rollcallv1.Preset{rollcallv1.PresetCustom, rollcallv1.PresetSocialCare, rollcallv1.PresetChatDesk,
	rollcallv1.PresetAgentFeedback, rollcallv1.PresetPatientMessaging, rollcallv1.PresetVoiceCenter}

// starters are the Organization and the built-in roles.
func (p *plugin) starters(preset string) ([]file, error) {
	// social-care, as the samples are called, is SocialCare.
	name := strings.ReplaceAll(preset, "-", "")
	i := slices.IndexFunc(presets, func(x rollcallv1.Preset) bool { return strings.EqualFold(string(x), name) })
	if i < 0 {
		var known []string
		for _, x := range presets {
			known = append(known, string(x))
		}
		return nil, usageError("preset %q is unknown; expected one of %s", preset, strings.Join(known, ", "))
	}
	scoping := *roster.ResolvePolicies(presets[i], nil).PracticeScoping == rollcallv1.SwitchEnabled
	var accounts, profiles []metav1.Object
	for _, name := range roster.BuiltinAccountRoles {
		spec, _ := roster.BuiltinAccountRole(name, scoping)
		accounts = append(accounts, &rollcallv1.AccountRole{ObjectMeta: p.shipped(name), Spec: spec})
	}
	for _, name := range roster.BuiltinProfileRoles {
		spec, _ := roster.BuiltinProfileRole(name)
		profiles = append(profiles, &rollcallv1.ProfileRole{ObjectMeta: p.shipped(name), Spec: spec})
	}
	organization := fmt.Sprintf("apiVersion: %s\nkind: Organization\nmetadata:\n  name: %s\n%sspec:\n  preset: %s\n  timeZone: UTC\n",
		rollcallv1.GroupVersion, rollcallv1.OrganizationName, p.namespaceLine(), presets[i])
	out := []file{{"organization.yaml", []byte(organization)}}
	for _, x := range []struct {
		name    string
		objects []metav1.Object
	}{{"accountroles.yaml", accounts}, {"profileroles.yaml", profiles}} {
		data, err := manifest.Write(false, x.objects...)
		if err != nil {
			return nil, err
		}
		out = append(out, file{x.name, data})
	}
	return out, nil
}

func (p *plugin) namespaceLine() string {
	if p.options.namespace == "" {
		return ""
	}
	return "  namespace: " + p.options.namespace + "\n"
}

func (p *plugin) shipped(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, Namespace: p.options.namespace, Labels: map[string]string{rollcallv1.LabelShipped: "true"}}
}

// writeFiles writes to a folder, or all as one stream of documents to stdout. It replaces nothing.
func (p *plugin) writeFiles(dir string, files []file) error {
	if dir == "" {
		for i, f := range files {
			if i > 0 {
				fmt.Fprintln(p.Out, "---")
			}
			if _, err := p.Out.Write(f.data); err != nil {
				return err
			}
		}
		return nil
	}
	if err := placeFiles(dir, files); err != nil {
		return err
	}
	for _, f := range files {
		fmt.Fprintln(p.Out, filepath.Join(dir, f.name))
	}
	return nil
}

// placeFiles writes to a folder. It replaces nothing.
func placeFiles(dir string, files []file) error {
	for _, f := range files {
		if _, err := os.Lstat(filepath.Join(dir, f.name)); err == nil || !errors.Is(err, fs.ErrNotExist) {
			return inputError("%s: exists already; expected a folder without it", filepath.Join(dir, f.name))
		}
	}
	for _, f := range files {
		path := filepath.Join(dir, f.name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return unreadable(err)
		}
		if err := os.WriteFile(path, f.data, 0o644); err != nil {
			return unreadable(err)
		}
	}
	return nil
}

// editorSchemas are JSON schemas made of the CRDs, one for each kind that people write.
func editorSchemas() ([]file, error) {
	var out []file
	for _, kind := range roster.Kinds {
		props := manifest.Schema(kind)
		delete(props.Properties, "status")
		s := editorSchema(props)
		s["$schema"] = "http://json-schema.org/draft-07/schema#"
		properties := s["properties"].(map[string]any)
		properties["apiVersion"] = map[string]any{"const": rollcallv1.GroupVersion.String()}
		properties["kind"] = map[string]any{"const": kind}
		properties["metadata"] = map[string]any{"type": "object", "required": []string{"name"}}
		s["required"] = []string{"apiVersion", "kind", "metadata"}
		data, err := json.MarshalIndent(s, "", "  ")
		if err != nil {
			return nil, fmt.Errorf("writing the schema of %s: %w", kind, err)
		}
		out = append(out, file{filepath.Join("schemas", strings.ToLower(kind)+"_v1alpha1.json"), append(data, '\n')})
	}
	return out, nil
}

// editorSchema rewrites an OpenAPI schema as JSON schema: objects take no other fields, defaults and limits stay.
func editorSchema(p *apiextensionsv1.JSONSchemaProps) map[string]any {
	s := map[string]any{}
	set := func(key string, value any, present bool) {
		if present {
			s[key] = value
		}
	}
	set("type", p.Type, p.Type != "" && !p.XIntOrString)
	set("description", p.Description, p.Description != "")
	set("pattern", p.Pattern, p.Pattern != "")
	set("format", p.Format, p.Format != "" && p.Format != "int32" && p.Format != "int64")
	set("minimum", p.Minimum, p.Minimum != nil)
	set("maximum", p.Maximum, p.Maximum != nil)
	set("minLength", p.MinLength, p.MinLength != nil)
	set("maxLength", p.MaxLength, p.MaxLength != nil)
	set("minItems", p.MinItems, p.MinItems != nil)
	set("maxItems", p.MaxItems, p.MaxItems != nil)
	set("minProperties", p.MinProperties, p.MinProperties != nil)
	set("maxProperties", p.MaxProperties, p.MaxProperties != nil)
	set("required", p.Required, len(p.Required) > 0)
	set("default", p.Default, p.Default != nil)
	set("enum", p.Enum, len(p.Enum) > 0)
	set("uniqueItems", true, valueOf(p.XListType) == "set")
	if len(p.Properties) > 0 {
		properties := map[string]any{}
		for name, x := range p.Properties {
			properties[name] = editorSchema(&x)
		}
		s["properties"], s["additionalProperties"] = properties, false
	}
	if p.Items != nil && p.Items.Schema != nil {
		s["items"] = editorSchema(p.Items.Schema)
	}
	if p.AdditionalProperties != nil && p.AdditionalProperties.Schema != nil {
		s["additionalProperties"] = editorSchema(p.AdditionalProperties.Schema)
	}
	return s
}

// newObject writes a manifest to start from.
func (p *plugin) newObject() *cobra.Command {
	var like, dir string
	c := &cobra.Command{
		Use:   "new teammate|group|profile|department|queue|campaign NAME [E-MAIL]",
		Short: "A manifest to start from",
		Args:  between(2, 3),
		RunE: func(c *cobra.Command, args []string) error {
			kind, ok := newKinds[strings.ToLower(args[0])]
			if !ok {
				return usageError("kind %q cannot be started; expected teammate, group, profile, department, queue or campaign", args[0])
			}
			if len(args) > 2 && kind != roster.KindTeammate {
				return usageError("only a teammate has an E-MAIL; expected new %s NAME", args[0])
			}
			source := map[string]any{"apiVersion": rollcallv1.GroupVersion.String(), "kind": kind, "spec": templates[kind]()}
			metadata := map[string]any{"name": args[1]}
			if p.options.namespace != "" {
				metadata["namespace"] = p.options.namespace
			}
			source["metadata"] = metadata
			if like != "" {
				spec, labels, err := p.like(c, kind, like)
				if err != nil {
					return err
				}
				source["spec"] = spec
				if len(labels) > 0 {
					metadata["labels"] = labels
				}
			}
			if kind == roster.KindTeammate {
				if len(args) < 3 {
					return usageError("a teammate is reached by e-mail; expected new teammate NAME E-MAIL")
				}
				source["spec"].(map[string]any)["identity"] = map[string]any{"email": args[2]}
			}
			data, err := manifest.WriteSource(source)
			if err != nil {
				return err
			}
			if _, errs := manifest.Parse([]manifest.Source{{Name: "new " + args[0], Data: data}}, cmp.Or(p.options.namespace, metav1.NamespaceDefault)); len(errs) > 0 {
				return &failure{exitInput, errs}
			}
			return p.writeFiles(dir, []file{{strings.ToLower(kind) + "-" + args[1] + ".yaml", data}})
		},
	}
	p.fileFlags(c)
	p.clusterFlags(c)
	c.Flags().StringVar(&like, "like", "", "an object to copy from: of -f or -k, else of the cluster")
	c.Flags().StringVarP(&dir, "directory", "d", "", "folder to write to (default: stdout)")
	return c
}

var newKinds = map[string]string{
	"teammate": roster.KindTeammate, "group": roster.KindUserGroup, "usergroup": roster.KindUserGroup,
	"profile": roster.KindProfile, "department": roster.KindDepartment, "queue": roster.KindQueue, "campaign": roster.KindCampaign,
}

// templates are the shortest useful specs.
var templates = map[string]func() map[string]any{
	roster.KindTeammate: func() map[string]any { return map[string]any{} },
	roster.KindUserGroup: func() map[string]any {
		return map[string]any{"members": []any{}, "profiles": []any{}, "permissionSet": map[string]any{"profileRoleRef": map[string]any{"name": "view-only"}}}
	},
	roster.KindProfile: func() map[string]any {
		return map[string]any{"type": string(rollcallv1.ProfileTypeChat), "platform": string(rollcallv1.PlatformWebchat)}
	},
	roster.KindDepartment: func() map[string]any { return map[string]any{"groups": []any{}} },
	roster.KindQueue: func() map[string]any {
		return map[string]any{"channels": []any{string(rollcallv1.QueueChannelVoice), string(rollcallv1.QueueChannelMessaging)}, "groups": []any{}}
	},
	roster.KindCampaign: func() map[string]any {
		return map[string]any{"mode": string(rollcallv1.CampaignModeProgressive), "state": string(rollcallv1.CampaignStateDraft)}
	},
}

// personal are the fields that --like does not copy: they belong to one object only.
var personal = map[string][]string{
	roster.KindTeammate:   {"identity", "firstName", "lastName", "extension", "onboarding", "lifecycle", "absences", "availability", "card", "employment", "from", "until"},
	roster.KindUserGroup:  {"displayName"},
	roster.KindProfile:    {"displayName", "externalID", "phoneNumber"},
	roster.KindDepartment: {"displayName", "default"},
	roster.KindQueue:      {"displayName"},
	roster.KindCampaign:   {"displayName", "state"},
}

// like returns the spec and labels to start from, as the author wrote them.
func (p *plugin) like(c *cobra.Command, kind, name string) (spec, labels map[string]any, err error) {
	set := &manifest.Set{}
	if p.options.offline() {
		var errs manifest.Errors
		if set, errs, err = p.readFiles(); err != nil {
			return nil, nil, err
		}
		if len(errs) > 0 {
			return nil, nil, &failure{exitInput, errs}
		}
	} else {
		in, err := p.fromCluster(c.Context())
		if err != nil {
			return nil, nil, err
		}
		if set, err = manifest.FromObjects(in.objects); err != nil {
			return nil, nil, err
		}
	}
	i := slices.IndexFunc(set.Objects, func(o *manifest.Object) bool {
		return o.Kind == kind && o.GetName() == name && (p.options.namespace == "" || o.GetNamespace() == p.options.namespace)
	})
	if i < 0 {
		return nil, nil, inputError("%s %q is unknown; expected the name of an object to copy", kind, name)
	}
	source := set.Objects[i].Source
	spec, _ = source["spec"].(map[string]any)
	if spec == nil {
		spec = map[string]any{}
	}
	for _, field := range personal[kind] {
		delete(spec, field)
	}
	for _, o := range set.Objects {
		g, ok := o.Object.(*rollcallv1.UserGroup)
		if ok && kind == roster.KindTeammate && slices.ContainsFunc(g.Spec.Members, func(m rollcallv1.Member) bool { return m.Name == name }) {
			p.note("note: %s lists %s among its members; the new teammate is not listed there", o, name)
		}
	}
	metadata, _ := source["metadata"].(map[string]any)
	labels, _ = metadata["labels"].(map[string]any)
	return spec, labels, nil
}
