package access

import (
	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
	"github.com/rollcall-dev/rollcall/internal/canonical"
)

// Limits of the stored form (API.md section 1, Outputs). Counts and hash always cover the complete result.
const (
	maxNames     = 1000
	maxListed    = 50
	maxStoreSize = 200 * 1024
)

func hashOf(w *canonical.Writer) string { return canonical.Hash(w.Bytes()) }

// write appends the canonical JSON of the complete result without hash, nextTransition, truncated and conditions.
// texts are as for grants.
func (res *Result) write(w *canonical.Writer, texts [][]byte) {
	w.Open()
	w.Fields(res.accountFields)
	w.Text("accountRole", res.AccountRole)
	if c := res.Chat; c != nil {
		w.Key("chat")
		w.Open()
		w.Text("autoAssignment", string(c.AutoAssignment))
		w.Key("maxChats")
		w.Int(int64(c.MaxChats))
		w.Close()
	}
	w.Key("counts")
	w.Open()
	counts := res.Counts()
	for _, c := range []struct {
		name  string
		value int32
	}{{"grants", counts.Grants}, {"groups", counts.Groups}, {"profiles", counts.Profiles}, {"supervises", counts.Supervises}} {
		w.Key(c.name)
		w.Int(int64(c.value))
	}
	w.Close()
	if res.DataScope != nil {
		w.Key("dataScope")
		writeDataScope(w, res.DataScope)
	}
	w.Key("gate")
	w.Open()
	w.Key("open")
	w.Bool(res.State.Open)
	w.Text("reason", res.State.GateReason)
	w.Close()
	if len(res.Grants) > 0 {
		w.Key("grants")
		w.OpenList()
		for i := range res.Grants {
			res.Grants[i].write(w, texts)
		}
		w.CloseList()
	}
	w.Strings("groups", res.Groups)
	w.Text("leader", res.Leader)
	w.Text("phase", string(res.State.Phase))
	if len(res.Supervises) > 0 {
		w.Key("supervises")
		w.OpenList()
		for _, s := range res.Supervises {
			w.Open()
			w.Text("kind", s.Kind)
			w.Text("name", s.Name)
			w.Close()
		}
		w.CloseList()
	}
	if v := res.Voice; v != nil {
		w.Key("voice")
		w.Open()
		w.Text("agentsCanChangeCallerID", string(v.AgentsCanChangeCallerID))
		w.Text("callerIDProfile", v.CallerIDProfile)
		w.Text("outboundCalls", string(v.OutboundCalls))
		w.Text("recordingAccess", string(v.RecordingAccess))
		w.Close()
	}
	w.Close()
}

// write appends a grant. texts are the names of profiles as JSON, by id, for a grant that has no names yet.
func (g *Grant) write(w *canonical.Writer, texts [][]byte) {
	w.Open()
	if g.All {
		w.Key("allProfiles")
		w.Bool(true)
	}
	w.Fields(g.fields)
	if len(g.ids) > 0 {
		w.Key("profiles")
		w.OpenList()
		for _, id := range g.ids {
			w.Raw(texts[id])
		}
		w.CloseList()
	}
	w.Strings("profiles", g.Profiles)
	if len(g.Sources) > 0 {
		w.Key("sources")
		w.OpenList()
		for _, s := range g.Sources {
			w.Open()
			w.Text("name", s.Name)
			w.Text("profileRole", s.ProfileRole)
			if s.Stamped {
				w.Key("stamped")
				w.Bool(true)
			}
			w.Text("type", string(s.Type))
			w.Close()
		}
		w.CloseList()
	}
	w.Close()
}

// writeDataScope appends a data scope; its own hash is left out while it is not known.
func writeDataScope(w *canonical.Writer, d *rollcallv1.EffectiveDataScope) {
	w.Open()
	if d.All {
		w.Key("all")
		w.Bool(true)
	}
	if len(d.Areas) > 0 {
		w.Key("areas")
		w.OpenList()
		for _, a := range d.Areas {
			w.Open()
			w.Text("name", string(a.Name))
			writeScopes(w, a.Scopes)
			w.Close()
		}
		w.CloseList()
	}
	w.Strings("campaigns", d.Campaigns)
	w.Strings("departments", d.Departments)
	w.Strings("groups", d.Groups)
	w.Text("hash", d.Hash)
	w.Text("leader", d.Leader)
	w.Strings("practices", d.Practices)
	w.Strings("queues", d.Queues)
	writeScopes(w, d.Scopes)
	w.Close()
}

func writeScopes(w *canonical.Writer, scopes []rollcallv1.Scope) {
	if len(scopes) == 0 {
		return
	}
	w.Key("scopes")
	w.OpenList()
	for _, s := range scopes {
		w.String(string(s))
	}
	w.CloseList()
}

// Counts are the complete numbers behind the lists.
func (res *Result) Counts() rollcallv1.AccessCounts {
	return rollcallv1.AccessCounts{
		Groups: int32(len(res.Groups)), Supervises: int32(len(res.Supervises)),
		Profiles: int32(res.ProfileCount), Grants: int32(len(res.Grants)),
	}
}

// Status returns the form stored in EffectiveAccess: at most 1,000 profile names and 200 KiB, with truncated set when
// something was left out. Conditions and nextTransition are the caller's.
func (res *Result) Status() rollcallv1.EffectiveAccessStatus {
	s := rollcallv1.EffectiveAccessStatus{
		Phase: res.State.Phase, Gate: rollcallv1.Gate{Open: res.State.Open, Reason: res.State.GateReason},
		AccountRole: res.AccountRole, AccountPermissions: res.AccountPermissions, Leader: res.Leader,
		Groups: res.Groups, Supervises: res.Supervises,
		DataScope: res.DataScope, Voice: res.Voice, Chat: res.Chat, Counts: res.Counts(), Hash: res.Hash,
	}
	if len(s.Groups) > maxListed {
		s.Groups, s.Truncated = s.Groups[:maxListed], true
	}
	if len(s.Supervises) > maxListed {
		s.Supervises, s.Truncated = s.Supervises[:maxListed], true
	}
	names, size := 0, res.sizeWithoutGrants()
	for i := range res.Grants {
		g := &res.Grants[i]
		stored := g.stored()
		if over := names + len(stored.Profiles) - maxNames; over > 0 {
			stored.Profiles, s.Truncated = stored.Profiles[:len(stored.Profiles)-over], true
		}
		if len(stored.Profiles) == 0 && !g.All {
			break
		}
		size += g.size(stored.Profiles)
		if size > maxStoreSize {
			s.Truncated = true
			break
		}
		names += len(stored.Profiles)
		s.Grants = append(s.Grants, stored)
	}
	return s
}

func (res *Result) sizeWithoutGrants() int {
	rest := *res
	rest.Grants = nil
	var w canonical.Writer
	rest.write(&w, nil)
	return len(w.Bytes())
}

func (g *Grant) size(profiles []string) int {
	cut := *g
	cut.Profiles = profiles
	var w canonical.Writer
	cut.write(&w, nil)
	return len(w.Bytes())
}

func (g *Grant) stored() rollcallv1.Grant {
	out := rollcallv1.Grant{Permissions: g.Permissions, Profiles: g.Profiles, AllProfiles: g.All,
		ApprovalRequired: g.ApprovalRequired, ContentVisibility: g.Visibility}
	for _, s := range g.Sources {
		out.Sources = append(out.Sources, rollcallv1.GrantSource{Type: s.Type, Name: s.Name, ProfileRole: s.ProfileRole, Stamped: s.Stamped})
	}
	return out
}
