package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/manifest"
	"github.com/rollcall-dev/rollcall/internal/rollimport"
	"github.com/rollcall-dev/rollcall/internal/sheet"
)

type rowJSON struct {
	Number   int               `json:"number"`
	Email    string            `json:"email,omitempty"`
	Result   rollimport.Result `json:"result"`
	Teammate string            `json:"teammate,omitempty"`
	Message  string            `json:"message,omitempty"`
}

type importAnswer struct {
	Rows []rowJSON `json:"rows,omitempty"`
}

// importFlags are those of import alone.
type importFlags struct {
	layout, role, method, leader, until, dir string
	columns, groups, labels, skills          []string
	confirmed                                bool
}

func (p *plugin) importPeople() *cobra.Command {
	var flags importFlags
	c := &cobra.Command{
		Use:   "import FILE",
		Short: "Teammates from a spreadsheet",
		Long: "Reads people from an .xlsx, .xls, .csv or .tsv file, or - for stdin, and writes a manifest for each new one.\n\n" +
			"All rows are checked first, and good rows are written although others fail. People who exist already are left alone: they are\n" +
			"looked for by e-mail in -f, -k and -d; without these, in the cluster if there is one. It never writes to a cluster.\n\n" +
			"Fields for --map: labels.KEY, " + strings.Join(rollimport.FieldNames(), ", ") + ".",
		Args: between(1, 1),
		RunE: func(c *cobra.Command, args []string) error { return p.runImport(c.Context(), args[0], flags) },
	}
	f := c.Flags()
	f.StringVar(&flags.layout, "layout", "", "emails (default), agent-connect, or columns (default with --map)")
	f.StringArrayVar(&flags.columns, "map", nil, `what a column holds, as HEADING=FIELD, such as "Vorname=firstName"; repeatable`)
	f.StringVar(&flags.role, "role", "", "account role of the new people, where the file names none")
	f.StringVar(&flags.method, "method", string(rollcallv1.OnboardingMethodImport), "Import, Invite or Create")
	f.BoolVar(&flags.confirmed, "confirmed", false, "the accounts are confirmed already: nobody gets an invitation")
	f.StringArrayVar(&flags.groups, "group", nil, "a group for the new people; repeatable")
	f.StringArrayVar(&flags.labels, "label", nil, "a label for the new people, as KEY=VALUE; repeatable")
	f.StringSliceVar(&flags.skills, "skill", nil, "a skill for the new people, as NAME or NAME=LEVEL; repeatable")
	f.StringVar(&flags.leader, "leader", "", "team leader of the new people, where the file names none")
	f.StringVar(&flags.until, "until", "", "when the new people leave again, such as 2027-09-01")
	f.StringVarP(&flags.dir, "directory", "d", "", "folder to write to, one file for each teammate (default: stdout)")
	p.fileFlags(c)
	p.clusterFlags(c)
	p.outputFlag(c)
	return c
}

func (p *plugin) runImport(ctx context.Context, path string, flags importFlags) error {
	if err := p.options.check(); err != nil {
		return err
	}
	order, err := flags.order()
	if err != nil {
		return err
	}
	rows, err := p.readSheet(path)
	if err != nil {
		return err
	}
	known, err := p.whoExists(ctx, flags.dir)
	if err != nil {
		return err
	}
	now := p.now().UTC().Truncate(time.Second)
	order.Namespace, order.Zone = known.explicit, known.zone()
	if flags.confirmed {
		order.ConfirmedAt = &now
	}
	if flags.until != "" {
		at, err := instant(flags.until, order.Zone, now)
		if err != nil {
			return err
		}
		order.Until = &at
	}
	report, err := rollimport.Import(rows, rollimport.NewKnown(known.objects), order, p.layer1)
	if err != nil {
		return inputError("%s: %w", path, err)
	}
	for _, n := range report.Notes {
		p.note("note: %s", n)
	}
	return p.giveOut(report, flags.dir)
}

var importMethods = []rollcallv1.OnboardingMethod{
	rollcallv1.OnboardingMethodImport, rollcallv1.OnboardingMethodInvite, rollcallv1.OnboardingMethodCreate,
}

// order reads the flags, all but those that need to know the organization.
func (flags *importFlags) order() (rollimport.Order, error) {
	o := rollimport.Order{Layout: rollimport.Layout(flags.layout), Role: flags.role, Groups: flags.groups, Leader: flags.leader}
	if o.Layout == "" {
		o.Layout = rollimport.LayoutEmails
		if len(flags.columns) > 0 {
			o.Layout = rollimport.LayoutColumns
		}
	}
	if !slices.Contains(rollimport.Layouts, o.Layout) {
		return o, usageError("layout %q is unknown; expected emails, agent-connect or columns", flags.layout)
	}
	if (o.Layout == rollimport.LayoutColumns) != (len(flags.columns) > 0) {
		return o, usageError("--map says what is in the columns of layout columns; expected both or none")
	}
	i := slices.IndexFunc(importMethods, func(m rollcallv1.OnboardingMethod) bool { return strings.EqualFold(string(m), flags.method) })
	if i < 0 {
		return o, usageError("method %q is unknown; expected Import, Invite or Create", flags.method)
	}
	o.Method = importMethods[i]
	if len(flags.columns) > 0 {
		var err error
		if o.Columns, err = rollimport.ParseColumns(flags.columns); err != nil {
			return o, usageError("--map: %w", err)
		}
	}
	if o.Role == "" && !o.GivesRoles() {
		return o, usageError("the file names no account roles; expected --role")
	}
	for _, text := range flags.labels {
		key, value, ok := strings.Cut(text, "=")
		if !ok || key == "" {
			return o, usageError("label %q is not understood; expected KEY=VALUE", text)
		}
		if o.Labels == nil {
			o.Labels = map[string]string{}
		}
		o.Labels[key] = value
	}
	for _, text := range flags.skills {
		skill, err := rollimport.ParseSkill(text)
		if err != nil {
			return o, usageError("--skill: %w", err)
		}
		o.Skills = append(o.Skills, skill)
	}
	return o, nil
}

// readSheet reads the file, not more of it than may be.
func (p *plugin) readSheet(path string) (*sheet.Sheet, error) {
	in := p.In
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, unreadable(err)
		}
		defer f.Close()
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, sheet.MaxBytes+1))
	if err != nil {
		return nil, unreadable(err)
	}
	s, err := sheet.Read(data)
	if err != nil {
		return nil, inputError("%s: %w", path, err)
	}
	return s, nil
}

// present is who and what there is before an import.
type present struct {
	objects []metav1.Object
	// explicit is the namespace that manifests have to name to belong to the same organization.
	explicit string
}

func (k *present) zone() *time.Location {
	for _, o := range k.objects {
		if x, ok := o.(*rollcallv1.Organization); ok {
			return zoneOf(x)
		}
	}
	return time.UTC
}

// whoExists reads the organization that the new people join: of the files that the flags name, the folder that is written to
// included. Where no files are named, and nothing but stdout is written to, it is that of the cluster.
func (p *plugin) whoExists(ctx context.Context, dir string) (*present, error) {
	if !p.options.offline() && dir == "" {
		return p.whoExistsLive(ctx)
	}
	set := &manifest.Set{}
	if p.options.offline() {
		var errs manifest.Errors
		var err error
		if set, errs, err = p.readFiles(); err != nil {
			return nil, err
		}
		if len(errs) > 0 {
			return nil, &failure{exitInput, errs}
		}
	}
	if dir != "" {
		if err := p.addFolder(set, dir); err != nil {
			return nil, err
		}
	}
	namespace, err := p.chooseNamespace(set)
	if err != nil {
		return nil, err
	}
	k := &present{explicit: p.options.namespace}
	for _, o := range set.Objects {
		if o.GetNamespace() != namespace {
			continue
		}
		k.objects = append(k.objects, o.Object)
		if metadata, ok := o.Source["metadata"].(map[string]any); ok && metadata["namespace"] != nil {
			k.explicit = namespace
		}
	}
	return k, nil
}

// addFolder adds the objects of the folder that is written to. Files that were named twice, by -f or -k and by -d, count once.
func (p *plugin) addFolder(set *manifest.Set, dir string) error {
	sources, err := manifest.Paths([]string{dir}, nil)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return unreadable(err)
	}
	folder, errs := manifest.Parse(sources, p.fileNamespace())
	if len(errs) > 0 {
		return &failure{exitInput, errs}
	}
	named := *set
	for _, o := range folder.Objects {
		if named.Find(o.GetNamespace(), o.Kind, o.GetName()) == nil {
			set.Objects = append(set.Objects, o)
		}
	}
	return nil
}

// unasked is how long import waits for a cluster that nobody named.
const unasked = 10 * time.Second

// whoExistsLive asks the cluster. An import that names none works without: then nobody exists.
func (p *plugin) whoExistsLive(ctx context.Context) (*present, error) {
	named := p.options.kubeconfig != "" || p.options.context != ""
	ctx, cancel := context.WithTimeout(ctx, unasked)
	defer cancel()
	k := &present{explicit: p.options.namespace}
	l, err := p.connect()
	if err == nil {
		k.objects, err = l.objects(ctx)
	}
	if err != nil && named {
		return nil, err
	}
	if err != nil {
		p.note("note: no cluster and no -f, -k or -d: nobody counts as existing")
		return &present{explicit: p.options.namespace}, nil
	}
	return k, nil
}

// giveOut writes the manifests of new people, and the rows.
func (p *plugin) giveOut(report *rollimport.Report, dir string) error {
	var files []file
	answer := &importAnswer{}
	failed := false
	for _, r := range report.Rows {
		answer.Rows = append(answer.Rows, rowJSON{r.Number, r.Email, r.Result, r.Teammate, r.Message})
		failed = failed || r.Result.Failed()
		if r.Object == nil {
			continue
		}
		data, err := manifest.Write(false, r.Object)
		if err != nil {
			return err
		}
		files = append(files, file{"teammate-" + r.Teammate + ".yaml", data})
	}
	if err := p.giveOutFiles(answer, files, dir); err != nil {
		return err
	}
	if failed {
		return no
	}
	return nil
}

func (p *plugin) giveOutFiles(answer *importAnswer, files []file, dir string) error {
	switch {
	case dir != "":
		if err := placeFiles(dir, files); err != nil {
			return err
		}
		if slices.ContainsFunc([]string{"kustomization.yaml", "kustomization.yml"}, func(name string) bool {
			_, err := os.Lstat(filepath.Join(dir, name))
			return err == nil
		}) && len(files) > 0 {
			p.note("note: %s has a kustomization; expected the new files in its resources", dir)
		}
		return p.show(answer, answer.table)
	case p.options.output != "table":
		if len(files) > 0 {
			p.note("note: -o %s prints the rows; the %d manifests are written with -d, or without -o", p.options.output, len(files))
		}
		return p.show(answer, answer.table)
	}
	// Manifests have stdout for themselves; what else is to say goes to stderr.
	for _, r := range answer.Rows {
		if r.Result != rollimport.ResultCreated && r.Result != rollimport.ResultExists {
			p.note("row %d: %s: %s: %s", r.Number, or(r.Email, "-"), r.Result, r.Message)
		}
	}
	p.note("%s", answer.summary())
	return p.writeFiles("", files)
}

func (a *importAnswer) table(t *table) {
	t.row("ROW", "E-MAIL", "RESULT", "TEAMMATE", "MESSAGE")
	for _, r := range a.Rows {
		t.row(r.Number, or(r.Email, "-"), r.Result, or(r.Teammate, "-"), or(r.Message, "-"))
	}
	t.line("%s", a.summary())
}

// summary counts the rows by result.
func (a *importAnswer) summary() string {
	counts := map[rollimport.Result]int{}
	for _, r := range a.Rows {
		counts[r.Result]++
	}
	var parts []string
	for _, result := range []rollimport.Result{rollimport.ResultCreated, rollimport.ResultExists, rollimport.ResultDuplicate, rollimport.ResultInvalid, rollimport.ResultDomainNotAllowed} {
		if n := counts[result]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, result))
		}
	}
	return fmt.Sprintf("%d %s: %s", len(a.Rows), yesNo(len(a.Rows) == 1, "row", "rows"), or(strings.Join(parts, ", "), "nobody"))
}
