package command

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/edit"
	"github.com/rollcall-dev/rollcall/internal/manifest"
	"github.com/rollcall-dev/rollcall/internal/roster"
)

const editDesk = "../testdata/edit/desk"

// desk copies the files that tests edit.
func desk(t *testing.T, from string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// contents are the files of a folder by name.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	names, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		data, err := os.ReadFile(filepath.Join(dir, n.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out[n.Name()] = string(data)
	}
	return out
}

// lines are the lines that two texts do not share, by a longest common subsequence: what a reviewer of the files would see.
func lines(before, after string) string {
	a, b := strings.SplitAfter(before, "\n"), strings.SplitAfter(after, "\n")
	common := make([][]int, len(a)+1)
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i, x := range slices.Backward(a) {
		for j, y := range slices.Backward(b) {
			if x == y {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var out strings.Builder
	for i, j := 0, 0; i < len(a) || j < len(b); {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			fmt.Fprintf(&out, "-%s\n", strings.TrimSuffix(a[i], "\n"))
			i++
		default:
			fmt.Fprintf(&out, "+%s\n", strings.TrimSuffix(b[j], "\n"))
			j++
		}
	}
	return out.String()
}

// TestEditFiles compares what edit prints, and the lines of the files that differ afterwards, with golden files.
func TestEditFiles(t *testing.T) {
	for name, args := range map[string][]string{
		"settings":            {"ana", "ben", "dana", "--role", "supervisor", "--max-chats", "7", "--extension", "2100", "--channels", "phone,sms"},
		"queues":              {"ana", "ben", "--add-queue", "returns", "--remove-queue", "orders"},
		"set-queues":          {"ana", "ben", "dana", "--set-queues", "returns"},
		"no-queues":           {"ana", "ben", "cid", "--set-queues", ""},
		"campaign":            {"ana", "ben", "cid", "--campaign", "spring"},
		"campaign-to-queue":   {"cid", "--no-campaign", "--add-queue", "orders"},
		"add-skill":           {"--all", "--add-skill", "french=4,english=1"},
		"set-skills":          {"--all", "--set-skills", "english"},
		"absent":              {"ana@desk.example", "E-2", "--absent", "easter", "--from", "2027-03-26T00:00", "--until", "2027-03-30T00:00"},
		"add-group":           {"eva", "--add-group", "night"},
		"add-group-cover":     {"ana", "--add-group", "care", "--until", "fri 18:00"},
		"add-group-exclusive": {"ana", "--add-group", "care"},
		"remove-group":        {"dana", "ben", "cid", "--remove-group", "care", "--remove-group", "sales"},
		"move":                {"--with-skill", "french", "--move-to-group", "care"},
		"move-both-sides":     {"cid", "ana", "--move-to-group", "night"},
		"move-create":         {"--group", "sales", "--move-to-group", "late", "--create-group"},
		"move-supervisor":     {"eva", "ana", "--move-to-group", "care"},
		"leader":              {"-l", "language=fr", "--leader", "eva@desk.example", "--availability", "inactive"},
		"block":               {"ana", "dana", "--block-for", "8h", "--reason", "lost: her badge"},
		"block-too-short":     {"ana", "--block-for", "7h"},
		"archive":             {"--with-role", "supervisor", "--archive", "--reason", "left"},
		"unknown-names":       {"ana", "ben", "--add-queue", "lost"},
		"unchanged":           {"ana", "--max-chats", "4", "--add-skill", "french", "--add-queue", "orders", "--unblock"},
		"json":                {"ana", "eva", "--max-chats", "200", "--extension", "2001", "-o", "json"},
		"dry-run":             {"--group", "sales", "--move-to-group", "care", "--block-for", "30d", "--dry-run"},
		"nobody":              {"-l", "language=xx", "--archive"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := desk(t, editDesk)
			before := contents(t, dir)
			got := run(t, "", append([]string{"edit", "-f", dir}, args...)...)
			after := contents(t, dir)
			text := fmt.Sprintf("$ kubectl rollcall edit %s\n%s", strings.Join(args, " "), got.out)
			if rest := assumed.ReplaceAllString(got.err, ""); rest != "" {
				text += "--- stderr\n" + rest
			}
			text += fmt.Sprintf("--- exit %d\n", got.code)
			var names []string
			for n := range after {
				names = append(names, n)
			}
			slices.Sort(names)
			for _, n := range names {
				if after[n] != before[n] {
					text += "--- " + n + "\n" + lines(before[n], after[n])
				}
			}
			text = strings.ReplaceAll(text, dir, "DIR")
			compareGolden(t, "edit-"+name, text)
			if len(names) < len(before) {
				t.Errorf("a file is gone: %v", names)
			}
			if slices.Contains(args, "--dry-run") && !cmp.Equal(before, after) {
				t.Error("a dry run wrote")
			}
			if left, err := filepath.Glob(filepath.Join(dir, ".rollcall-*")); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
			if code := run(t, "", "members", "sales", "-f", dir).code; code != 0 {
				t.Errorf("the files are not read any more: %d", code)
			}
		})
	}
}

func compareGolden(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("..", "testdata", "golden", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestEditExitCodes(t *testing.T) {
	for name, tc := range map[string]struct {
		args      []string
		wantCode  int
		wantError string
	}{
		"done":                      {[]string{"ana", "--max-chats", "5"}, 0, ""},
		"unchanged":                 {[]string{"ana", "--max-chats", "4"}, 0, ""},
		"some failed":               {[]string{"ana", "cid", "--add-queue", "lost"}, 1, ""},
		"nothing to do":             {[]string{"ana"}, 64, "nothing to do"},
		"nobody selected":           {[]string{"--max-chats", "5"}, 64, "nobody is selected"},
		"names and a selector":      {[]string{"ana", "--group", "care", "--archive"}, 64, "several ways"},
		"all and a selector":        {[]string{"--all", "-l", "a=b", "--archive"}, 64, "several ways"},
		"an unknown teammate":       {[]string{"zoe", "--archive"}, 65, `teammate "zoe" is unknown`},
		"an unknown group":          {[]string{"--group", "lost", "--archive"}, 65, `UserGroup "lost" is unknown`},
		"an unknown role":           {[]string{"--with-role", "chef", "--archive"}, 65, `AccountRole "chef" is unknown`},
		"an unknown skill":          {[]string{"--with-skill", "dutch", "--archive"}, 65, `skill "dutch" is unknown`},
		"a selector of nobody":      {[]string{"-l", "team=moon", "--archive"}, 65, "no teammate in namespace default is what --selector team=moon asks for"},
		"filters of nobody":         {[]string{"-l", "team=moon", "--with-skill", "french", "--archive"}, 65, "is what --selector team=moon and --with-skill french ask for"},
		"an unknown leader":         {[]string{"ana", "--leader", "zoe"}, 65, `teammate "zoe" is unknown`},
		"a bad selector":            {[]string{"-l", "a in", "--archive"}, 64, "--selector"},
		"a bad number":              {[]string{"ana", "--max-chats", "many"}, 64, `--max-chats "many" is not a number`},
		"a bad level":               {[]string{"ana", "--add-skill", "french=high"}, 64, "expected a level from 1 to 100"},
		"a skill twice":             {[]string{"ana", "--add-skill", "french=1,french=2"}, 64, "each skill once"},
		"a bad state":               {[]string{"ana", "--availability", "asleep"}, 64, "expected one of Available, Unavailable, Inactive"},
		"a bad channel":             {[]string{"ana", "--channels", "pigeon"}, 64, "expected one of Phone"},
		"a bad duration":            {[]string{"ana", "--block-for", "a while"}, 64, "expected one such as 8h"},
		"a negative duration":       {[]string{"ana", "--block-for", "-8h"}, 64, "expected one such as 8h"},
		"a bad time":                {[]string{"ana", "--add-group", "care", "--until", "soon"}, 64, `time "soon"`},
		"a window the wrong way":    {[]string{"ana", "--add-group", "care", "--from", "2027-03-02", "--until", "2027-03-01"}, 64, "is not before"},
		"a time of nothing":         {[]string{"ana", "--until", "2027-03-01", "--add-group", "care"}, 64, "expected it behind --add-group or --absent"},
		"a time of something else":  {[]string{"ana", "--add-group", "care", "--role", "agent", "--until", "2027-03-01"}, 64, "expected it behind"},
		"a time twice":              {[]string{"ana", "--absent", "x", "--until", "2027-03-01", "--until", "2027-03-02"}, 64, "twice"},
		"an absence without a time": {[]string{"ana", "--absent", "x"}, 64, "expected --from and --until"},
		"a group without a name":    {[]string{"ana", "--add-group", ""}, 64, "expected a name"},
		"a group for nothing":       {[]string{"ana", "--archive", "--create-group"}, 64, "--create-group makes no group"},
		"a switch with a value":     {[]string{"ana", "--archive=no"}, 64, "takes no value"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := desk(t, editDesk)
			before := contents(t, dir)
			got := run(t, "", append([]string{"edit", "-f", dir}, tc.args...)...)
			if got.code != tc.wantCode || !strings.Contains(got.err, tc.wantError) {
				t.Errorf("exit %d, want %d: %s", got.code, tc.wantCode, got.err)
			}
			if got.code > 1 && !cmp.Equal(before, contents(t, dir)) {
				t.Error("something was written")
			}
		})
	}
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"a kustomization": {[]string{"-k", samples + "fjordline"}, "-k builds manifests"},
		"a snapshot":      {[]string{"--state-from", in("feedback-snapshot.yaml")}, "--state-from is read only"},
	} {
		t.Run(name, func(t *testing.T) {
			got := run(t, "", append([]string{"edit", "ana", "--archive"}, tc.args...)...)
			if got.code != exitUsage || !strings.Contains(got.err, tc.want) {
				t.Errorf("exit %d: %s", got.code, got.err)
			}
		})
	}
}

// What comes from stdin goes to stdout, and the results to stderr.
func TestEditStdin(t *testing.T) {
	people, err := os.ReadFile(filepath.Join(editDesk, "people.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	dir := desk(t, editDesk)
	if err := os.Remove(filepath.Join(dir, "people.yaml")); err != nil {
		t.Fatal(err)
	}
	got := run(t, string(people), "edit", "ana", "ben", "--max-chats", "6", "--move-to-group", "late", "--create-group", "-f", "-", "-f", dir)
	if got.code != 0 || !strings.Contains(got.err, "note: ana: Succeeded maxChats 4 -> 6") {
		t.Errorf("exit %d: %s", got.code, got.err)
	}
	if diff := lines(string(people), got.out); diff != "-  maxChats: 4\n+  maxChats: 6\n"+
		"-spec: {identity: {email: ben@desk.example, employeeID: E-2}, assignment: {type: Queues, queues: [{name: orders}, {name: returns}]}, skills: [{name: english, level: 3}]}   # all on one line\n"+
		"+spec: {identity: {email: ben@desk.example, employeeID: E-2}, assignment: {type: Queues, queues: [{name: orders}, {name: returns}]}, skills: [{name: english, level: 3}], maxChats: 6}   # all on one line\n" {
		t.Error(diff)
	}
	if made := contents(t, dir)["usergroup-late.yaml"]; !strings.Contains(made, "name: late") || !strings.Contains(made, "name: ben") {
		t.Errorf("the new group: %s", made)
	}
	same := run(t, string(people), "edit", "eva", "--role", "supervisor", "-f", "-", "-f", dir)
	if same.out != string(people) {
		t.Errorf("nothing was to change:\n%s", lines(string(people), same.out))
	}
}

// A single file takes the new group too: it would not be read from a file beside it.
func TestEditOneFile(t *testing.T) {
	dir := desk(t, editDesk)
	all := contents(t, dir)
	one := filepath.Join(dir, "all.yaml")
	text := all["organization.yaml"] + "---\n" + all["people.yaml"] + "---\n" + all["groups.yaml"] + "---\n" + all["dana.json"]
	if err := os.WriteFile(one, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := run(t, "", "edit", "ana", "--move-to-group", "late", "--create-group", "-f", one); got.code != 0 {
		t.Fatal(got.err)
	}
	got := run(t, "", "members", "late", "-f", one, "-o", "json")
	if !strings.Contains(got.out, `"ana"`) {
		t.Error(got.out, got.err)
	}
	if info, err := os.Stat(one); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("permissions %v", info.Mode())
	}
}

// An object whose spelling cannot be edited fails its people and nobody else.
func TestEditUnusualSpelling(t *testing.T) {
	dir := desk(t, editDesk)
	file := filepath.Join(dir, "fay.yaml")
	text := "apiVersion: rollcall.dev/v1alpha1\nkind: Teammate\nmetadata: {name: fay, labels: &l {x: ab}}\nspec:\n  identity: {email: f@desk.example}\n" +
		"  assignment: &a {type: Campaign, campaignRef: &c {name: spring}}\n  teamLeaderRef: *c\n---\n" +
		"apiVersion: rollcall.dev/v1alpha1\nkind: Teammate\nmetadata: {name: gus}\nspec: {identity: {email: g@desk.example}}\n---\n" +
		"apiVersion: rollcall.dev/v1alpha1\nkind: Teammate\nmetadata: {name: spring}\nspec: {identity: {email: s@desk.example}, canManageTeams: true}\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	got := run(t, "", "edit", "fay", "gus", "--no-campaign", "--max-chats", "9", "--move-to-group", "night", "-f", dir)
	if got.code != exitNo || !strings.Contains(got.out, "fay       Failed") || !strings.Contains(got.out, "gus       Succeeded") || !strings.Contains(got.out, "edit it by hand") {
		t.Errorf("exit %d: %s%s", got.code, got.out, got.err)
	}
	after := contents(t, dir)
	if want := strings.Replace(text, "{identity: {email: g@desk.example}}", "{identity: {email: g@desk.example}, maxChats: 9}", 1); after["fay.yaml"] != want {
		t.Error(lines(want, after["fay.yaml"]))
	}
	if night := run(t, "", "members", "night", "-f", dir, "-o", "json").out; strings.Contains(night, "fay") || !strings.Contains(night, "gus") {
		t.Errorf("night has %s", night)
	}
}

// All files are written, or none.
func TestWriteAllOrNothing(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a.yaml")
	if err := os.WriteFile(file, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	err := writeAll(map[string][]byte{file: []byte("new"), filepath.Join(dir, "gone", "b.yaml"): []byte("new")})
	if got := contents(t, dir); err == nil || len(got) != 1 || got["a.yaml"] != "old" {
		t.Errorf("%v %v", err, got)
	}
	link := filepath.Join(t.TempDir(), "link.yaml")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	if err := writeAll(map[string][]byte{link: []byte("new")}); err != nil {
		t.Fatal(err)
	}
	if target, err := os.Readlink(link); err != nil || target != file || contents(t, dir)["a.yaml"] != "new" {
		t.Errorf("%s %v", target, err)
	}
}

// TestEditFilesAsObjects does random edits to the samples: the files, read again, hold exactly the objects that the edit made.
func TestEditFilesAsObjects(t *testing.T) {
	for from, times := range map[string]int{editDesk: 25, samples + "voice-center": 8, samples + "fjordline": 5} {
		dir, draw := desk(t, from), rand.New(rand.NewPCG(7, 11))
		for range times {
			in, org := loadDesk(t, dir)
			args := randomEdit(draw, org)
			want := outcomeOf(t, in, org, args)
			before := contents(t, dir)
			got := run(t, "", append([]string{"edit", "-f", dir}, args...)...)
			if got.code > 1 || strings.Count(got.out, "\n") != len(want.Results)+1 {
				t.Fatalf("%v: exit %d\n%s%s", args, got.code, got.out, got.err)
			}
			_, after := loadDesk(t, dir)
			compareObjects(t, org, after, want)
			if len(want.Changed) == 0 && !cmp.Equal(before, contents(t, dir)) {
				t.Error("written although nothing changed")
			}
			if t.Failed() {
				t.Fatalf("%v\n%s%s", args, got.out, cmp.Diff(before, contents(t, dir)))
			}
		}
	}
}

func loadDesk(t *testing.T, dir string) (*inputs, *organization) {
	t.Helper()
	p := &plugin{Streams: Streams{Err: io.Discard}, now: func() time.Time { return monday }}
	p.options.files = []string{dir}
	in, err := p.gather(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	org, err := p.compute(in)
	if err != nil {
		t.Fatal(err)
	}
	return in, org
}

// outcomeOf tries the edit of a command line on objects alone.
func outcomeOf(t *testing.T, in *inputs, org *organization, args []string) *edit.Outcome {
	t.Helper()
	e, c := &editing{}, &cobra.Command{}
	e.addFlags(c)
	if err := c.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	people, err := org.selected(e, c.Flags().Args())
	if err != nil {
		t.Fatal(err)
	}
	operations, err := org.operations(e)
	if err != nil {
		t.Fatal(err)
	}
	return in.desk(org).Try(people, operations)
}

// compareObjects checks that an organization is another one with the changes of an edit.
func compareObjects(t *testing.T, before, after *organization, out *edit.Outcome) {
	t.Helper()
	want := map[string]metav1.Object{}
	for _, name := range before.names(roster.KindTeammate) {
		want["Teammate/"+name] = before.Roster.Teammate(nil, name)
	}
	for _, name := range before.names(roster.KindUserGroup) {
		want["UserGroup/"+name] = before.Roster.UserGroup(nil, name)
	}
	for _, c := range out.Changed {
		want[manifest.KindOf(c.After)+"/"+c.After.GetName()] = c.After
	}
	for _, name := range after.names(roster.KindTeammate) {
		tm, ok := want["Teammate/"+name].(*rollcallv1.Teammate)
		if got := after.Roster.Teammate(nil, name); !ok || !equality.Semantic.DeepEqual(tm.Spec, got.Spec) {
			t.Errorf("Teammate/%s: %s", name, cmp.Diff(tm, got))
		}
		delete(want, "Teammate/"+name)
	}
	for _, name := range after.names(roster.KindUserGroup) {
		g, ok := want["UserGroup/"+name].(*rollcallv1.UserGroup)
		got := after.Roster.UserGroup(nil, name).DeepCopy()
		if ok && before.Roster.UserGroup(nil, name) == nil {
			got.Spec = rollcallv1.UserGroupSpec{Members: got.Spec.Members} // a new group gets the defaults of the schema
		}
		if !ok || !equality.Semantic.DeepEqual(g.Spec, got.Spec) {
			t.Errorf("UserGroup/%s: %s", name, cmp.Diff(g, got))
		}
		delete(want, "UserGroup/"+name)
	}
	for gone := range want {
		t.Errorf("%s is gone", gone)
	}
}

// randomEdit draws a command line of one to four names and one to four flags.
func randomEdit(draw *rand.Rand, org *organization) []string {
	one := func(list []string, otherwise string) string {
		if len(list) == 0 || draw.IntN(20) == 0 {
			return otherwise
		}
		return list[draw.IntN(len(list))]
	}
	people, groups := org.names(roster.KindTeammate), org.names(roster.KindUserGroup)
	queues, campaigns := org.names(roster.KindQueue), org.names(roster.KindCampaign)
	var skills []string
	for _, s := range org.Roster.Organization(nil).Spec.Skills {
		skills = append(skills, s.Name)
	}
	var args []string
	for range 1 + draw.IntN(4) {
		args = append(args, one(people, people[0]))
	}
	flags := []func() []string{
		func() []string { return []string{"--role", one([]string{"agent", "supervisor", "viewer"}, "chef")} },
		func() []string { return []string{"--add-group", one(groups, "lost")} },
		func() []string {
			return []string{"--add-group", one(groups, "lost"), "--until", "2027-04-01T10:00", "--from", "2027-02-01"}
		},
		func() []string { return []string{"--remove-group", one(groups, "lost")} },
		func() []string { return []string{"--move-to-group", one(groups, "lost")} },
		func() []string {
			return []string{"--move-to-group", fmt.Sprint("new-", draw.IntN(3)), "--create-group"}
		},
		func() []string { return []string{"--add-queue", one(queues, "lost") + "," + one(queues, "lost")} },
		func() []string { return []string{"--remove-queue", one(queues, "lost")} },
		func() []string { return []string{"--set-queues", one(queues, "")} },
		func() []string { return []string{"--campaign", one(campaigns, "lost")} },
		func() []string { return []string{"--no-campaign"} },
		func() []string { return []string{"--max-chats", fmt.Sprint(draw.IntN(120))} },
		func() []string {
			return []string{"--add-skill", one(skills, "lost") + "=" + fmt.Sprint(1+draw.IntN(9))}
		},
		func() []string { return []string{"--set-skills", one(skills, "")} },
		func() []string {
			return []string{"--availability", one([]string{"Available", "Inactive"}, "Unavailable")}
		},
		func() []string {
			return []string{"--absent", one([]string{"x", "summer"}, "y"), "--until", "2027-08-01"}
		},
		func() []string { return []string{"--leader", one(people, "")} },
		func() []string { return []string{"--channels", one([]string{"Chat", "Chat,Phone", "Email"}, "")} },
		func() []string { return []string{"--extension", one([]string{"9901", "9902", "9903"}, "")} },
		func() []string { return []string{"--block-for", "9h", "--reason", "a: b # \"c\""} },
		func() []string { return []string{"--unblock"} },
		func() []string { return []string{"--archive"} },
		func() []string { return []string{"--reason", one([]string{"because", "yes"}, "")} },
	}
	for range 1 + draw.IntN(4) {
		args = append(args, flags[draw.IntN(len(flags))]()...)
	}
	return args
}
