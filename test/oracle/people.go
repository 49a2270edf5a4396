package oracle

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	rollcallv1 "github.com/rollcall-dev/rollcall/api/v1alpha1"
)

// person is what the evaluation knows of one teammate before access is computed.
type person struct {
	spec   rollcallv1.TeammateSpec
	object rollcallv1.Teammate
	// role is meaningful if hasRole: it resolves and is allowed.
	role     accountRole
	roleName string
	hasRole  bool
	// refusal says why there is no role.
	refusal string
	record  Person
	phase   string
	open    bool
	extHeld bool
}

// base is the base type, None without a role.
func (p *person) base() string {
	if !p.hasRole {
		return "None"
	}
	return p.role.base
}

// minGrace is the shortest time for which a record is kept that nobody matches.
const minGrace = 2 * time.Minute

// identityKey is the key by which the Ledger finds a person.
func identityKey(t rollcallv1.Teammate) string {
	switch {
	case str(t.Spec.Identity.DirectoryID) != "":
		return "directoryID=" + *t.Spec.Identity.DirectoryID
	case str(t.Spec.Identity.EmployeeID) != "":
		return "employeeID=" + *t.Spec.Identity.EmployeeID
	case str(t.Spec.Identity.Email) != "":
		return "email=" + strings.ToLower(*t.Spec.Identity.Email)
	}
	return ""
}

// matchRecords gives every record of the Ledger to the person it belongs to: to whom has both its key and its name, else to
// the holder of its key, else to the teammate of its name. What is still left completes the record of the holder of its key
// if nobody has its name any more. Records that nobody matches stay for minGrace.
func (e *evaluation) matchRecords() (of map[string]Person, left []Person) {
	of = map[string]Person{}
	rest := slices.Clone(e.state.People)
	give := func(fits func(Person, rollcallv1.Teammate) bool) {
		var unmatched []Person
		for _, record := range rest {
			matched := false
			for _, t := range e.org.Teammates {
				if _, taken := of[t.Name]; !taken && !matched && fits(record, t) {
					record.MissingSince = nil
					of[t.Name] = record
					matched = true
				}
			}
			if !matched {
				unmatched = append(unmatched, record)
			}
		}
		rest = unmatched
	}
	sameKey := func(r Person, t rollcallv1.Teammate) bool { return r.Key != "" && r.Key == identityKey(t) }
	give(func(r Person, t rollcallv1.Teammate) bool { return sameKey(r, t) && r.Name == t.Name })
	give(func(r Person, t rollcallv1.Teammate) bool {
		return sameKey(r, t) && e.result.Next.Keys[r.Key] == Ref{"Teammate", t.Name}
	})
	give(func(r Person, t rollcallv1.Teammate) bool { return r.Name == t.Name })
	rest = slices.DeleteFunc(rest, func(left Person) bool {
		holder := e.result.Next.Keys[left.Key].Name
		named := slices.ContainsFunc(e.org.Teammates, func(t rollcallv1.Teammate) bool { return t.Name == left.Name })
		i := slices.IndexFunc(e.org.Teammates, func(t rollcallv1.Teammate) bool { return t.Name == holder && sameKey(left, t) })
		own := of[holder]
		if named || i < 0 || own.Key != left.Key {
			return false
		}
		own.ConfirmedAt, own.ArchivedAt = cmp.Or(own.ConfirmedAt, left.ConfirmedAt), cmp.Or(own.ArchivedAt, left.ArchivedAt)
		own.ApprovedCard = cmp.Or(own.ApprovedCard, left.ApprovedCard)
		own.Home, own.Cover = cmp.Or(own.Home, left.Home), cmp.Or(own.Cover, left.Cover)
		of[holder] = own
		return true
	})
	for _, record := range rest {
		if record.MissingSince == nil {
			record.MissingSince = &e.now
		}
		if e.now.Before(record.MissingSince.Add(minGrace)) {
			left = append(left, record)
		}
	}
	return of, left
}

// computePeople settles role, phase and gate of everybody.
func (e *evaluation) computePeople() {
	records, left := e.matchRecords()
	e.result.Next.People = left
	for _, t := range e.org.Teammates {
		p := &person{spec: t.Spec, object: t, record: records[t.Name]}
		p.record.Key, p.record.Name = identityKey(t), t.Name
		e.people[t.Name] = p
		e.chooseRole(p)
		e.updateRecord(p)
		var reason string
		p.phase, reason = e.phaseOf(p)
		p.open = slices.Contains([]string{"CardIncomplete", "PendingReview", "Active"}, p.phase) && t.DeletionTimestamp == nil
		out := Teammate{
			Phase: p.phase, Reason: reason, GateOpen: p.open, CardHash: cardHash(cardOf(t.Spec)),
			LostKeys: e.lost(Ref{"Teammate", t.Name}, teammateKeys(t)), BaseType: p.base(),
		}
		if p.hasRole {
			out.AccountRole = p.roleName
		}
		switch {
		case t.DeletionTimestamp != nil:
			out.GateReason = "Deleting"
		case !p.open:
			out.GateReason = p.phase
		}
		switch p.phase {
		case "Invalid":
			out.ListedAs = "Invalid"
		case "Scheduled", "Invited", "AwaitingConfirmation":
			out.ListedAs = "Invited"
		case "Blocked", "Ended", "Archived":
			out.ListedAs = "Archived"
		default:
			out.ListedAs = "Active"
		}
		p.extHeld = t.Spec.Extension != nil && !slices.Contains(out.LostKeys, "extension="+*t.Spec.Extension)
		out.SurveyEligible = e.surveyEligible(p)
		e.result.Teammates[t.Name] = out
	}
}

func (e *evaluation) chooseRole(p *person) {
	p.roleName = "agent"
	if e.org.Organization.Spec.Preset == "PatientMessaging" {
		p.roleName = "staff"
	}
	if ref := e.org.Organization.Spec.DefaultAccountRoleRef; ref != nil {
		p.roleName = ref.Name
	}
	if p.spec.AccountRoleRef != nil {
		p.roleName = p.spec.AccountRoleRef.Name
	}
	role, resolves := e.accountRoleNamed(p.roleName)
	switch {
	case !resolves:
		p.refusal = "UnresolvedReference"
	case len(e.pol.allowedBaseTypes) > 0 && !slices.Contains(e.pol.allowedBaseTypes, role.base):
		p.refusal = "BaseTypeNotAllowed"
	case role.base == "Owner" && e.pol.ownerAssignment == "Directory" && !isTrue(p.spec.Identity.DirectoryTenantAdmin):
		p.refusal = "OwnerNotTenantAdmin"
	default:
		p.role, p.hasRole = role, true
	}
}

// updateRecord takes what R-4 takes once.
func (e *evaluation) updateRecord(p *person) {
	if p.record.ConfirmedAt == nil {
		if at, err := time.Parse(time.RFC3339, p.object.Annotations["rollcall.dev/confirmed-at"]); err == nil {
			p.record.ConfirmedAt = &at
		}
	}
	switch {
	case lifecycleState(p.spec) == "Archived":
		if p.record.ArchivedAt == nil {
			p.record.ArchivedAt = &e.now
		}
	case e.pol.archiveReversible:
		p.record.ArchivedAt = nil
	}
	if approved(p.spec) {
		card := cardOf(p.spec)
		p.record.ApprovedCard = &card
	}
	// The incumbents are chosen with the memberships.
	p.record.Home, p.record.Cover = "", ""
}

func (e *evaluation) phaseOf(p *person) (phase, reason string) {
	t := p.spec
	lostIdentity := len(e.lost(Ref{"Teammate", p.object.Name}, identityKeys(p.object))) > 0
	method := string(t.Onboarding.Method)
	asked := e.pol.confirmation == "Required" && p.record.ConfirmedAt == nil
	switch {
	case !p.hasRole:
		return "Invalid", p.refusal
	case lostIdentity:
		return "Invalid", "DuplicateIdentity"
	case lifecycleState(t) == "Archived", p.record.ArchivedAt != nil && !e.pol.archiveReversible:
		return "Archived", ""
	case t.Until != nil && !e.now.Before(t.Until.Time):
		return "Ended", ""
	case t.From != nil && e.now.Before(t.From.Time):
		return "Scheduled", ""
	case e.blocked(t):
		return "Blocked", ""
	case asked && (method == "Invite" || method == "Import"):
		return "Invited", ""
	case asked && (method == "Create" || method == ""):
		return "AwaitingConfirmation", ""
	case len(e.missingFields(t)) > 0, e.leaderMissing(p):
		return "CardIncomplete", ""
	case e.pol.cardApproval == "Required" && !approved(t):
		return "PendingReview", ""
	}
	return "Active", ""
}

// gone says that somebody is archived or has left, Invalid or not.
func (e *evaluation) gone(p *person) bool {
	archived := lifecycleState(p.spec) == "Archived" || p.record.ArchivedAt != nil && !e.pol.archiveReversible
	return archived || p.spec.Until != nil && !e.now.Before(p.spec.Until.Time)
}

func lifecycleState(t rollcallv1.TeammateSpec) string { return string(t.Lifecycle.State) }

func (e *evaluation) blocked(t rollcallv1.TeammateSpec) bool {
	if lifecycleState(t) != "Blocked" || t.Lifecycle.BlockedFrom == nil || t.Lifecycle.BlockedUntil == nil {
		return false
	}
	from, until := t.Lifecycle.BlockedFrom.Time, t.Lifecycle.BlockedUntil.Time
	if e.pol.blockMax > 0 && from.Add(e.pol.blockMax).Before(until) {
		until = from.Add(e.pol.blockMax)
	}
	return !e.now.Before(from) && e.now.Before(until)
}

func (e *evaluation) missingFields(t rollcallv1.TeammateSpec) []string {
	has := map[string]bool{
		"FirstName": str(t.FirstName) != "", "LastName": str(t.LastName) != "", "Image": card(t).Image != nil,
		"Bio": str(card(t).Bio) != "", "HomeTown": str(card(t).HomeTown) != "", "StateOrCountry": str(card(t).StateOrCountry) != "",
		"CanManageTeams": t.CanManageTeams != nil, "Channels": len(t.Channels) > 0, "Email": str(t.Identity.Email) != "",
		"EmployeeID": str(t.Identity.EmployeeID) != "",
	}
	if t.Employment != nil {
		has["StartDate"], has["EmploymentStatus"] = str(t.Employment.StartDate) != "", t.Employment.Status != nil
	}
	var out []string
	for _, field := range e.pol.cardCreate {
		if !has[field] {
			out = append(out, field)
		}
	}
	return out
}

// leaderMissing is the part of phase 8 that asks for a team leader, with its two exceptions.
func (e *evaluation) leaderMissing(p *person) bool {
	if e.pol.teamLeader != "Required" || p.spec.TeamLeaderRef != nil || p.base() == "Owner" || p.base() == "Administrator" {
		return false
	}
	var roots []string
	for _, t := range e.org.Teammates {
		if isTrue(t.Spec.CanManageTeams) && t.Spec.TeamLeaderRef == nil {
			roots = append(roots, t.Name)
		}
	}
	return len(roots) == 0 || slices.Min(roots) != p.object.Name
}

func card(t rollcallv1.TeammateSpec) rollcallv1.Card {
	if t.Card == nil {
		return rollcallv1.Card{}
	}
	return *t.Card
}

func cardOf(t rollcallv1.TeammateSpec) Card {
	c := Card{FirstName: t.FirstName, Bio: card(t).Bio, HomeTown: card(t).HomeTown, StateOrCountry: card(t).StateOrCountry}
	if image := card(t).Image; image != nil {
		c.Image = &Image{URL: image.URL, Width: image.Width, Height: image.Height}
	}
	return c
}

// cardHash is the hash of R-1 over the fields of the card that are present; encoding/json sorts the keys of maps.
func cardHash(c Card) string {
	fields := map[string]any{}
	for name, value := range map[string]*string{"firstName": c.FirstName, "bio": c.Bio, "homeTown": c.HomeTown, "stateOrCountry": c.StateOrCountry} {
		if value != nil {
			fields[name] = *value
		}
	}
	if c.Image != nil {
		image := map[string]any{"url": c.Image.URL}
		if c.Image.Width != nil {
			image["width"] = *c.Image.Width
		}
		if c.Image.Height != nil {
			image["height"] = *c.Image.Height
		}
		fields["image"] = image
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(fields); err != nil {
		panic(err) // strings and numbers always encode
	}
	sum := sha256.Sum256(bytes.TrimSuffix(text.Bytes(), []byte("\n")))
	return hex.EncodeToString(sum[:])[:16]
}

// CardHash is the cardHash of R-4, for tests that approve a card.
func CardHash(t rollcallv1.TeammateSpec) string { return cardHash(cardOf(t)) }

func approved(t rollcallv1.TeammateSpec) bool {
	a := card(t).Approval
	return a != nil && a.State == "Approved" && str(a.CardHash) == cardHash(cardOf(t))
}

func (e *evaluation) surveyEligible(p *person) bool {
	card := cardOf(p.spec)
	if p.record.ApprovedCard != nil {
		card = *p.record.ApprovedCard
	}
	may := e.pol.cardApproval == "NotRequired" && p.phase == "Active" || p.record.ApprovedCard != nil
	return p.open && may && str(card.FirstName) != "" && card.Image != nil
}

// computeLeaders is R-12, first paragraph.
func (e *evaluation) computeLeaders() {
	edges := graph{}
	for name, p := range e.people {
		edges[name] = nil
		if p.spec.TeamLeaderRef == nil {
			continue
		}
		leader := e.people[p.spec.TeamLeaderRef.Name]
		if leader != nil && leader != p && !e.gone(leader) && isTrue(leader.spec.CanManageTeams) {
			edges[name] = []string{leader.object.Name}
		}
	}
	for name, p := range e.people {
		out := e.result.Teammates[name]
		switch {
		case edges.onCycle(name):
			out.LeaderProblem = "LeaderCycle"
		case len(edges[name]) > 0:
			out.Leader = edges[name][0]
		case p.spec.TeamLeaderRef == nil:
			if e.leaderMissing(p) {
				out.LeaderProblem = "Missing"
			}
		default:
			leader := e.people[p.spec.TeamLeaderRef.Name]
			switch {
			case leader == nil || leader == p:
				out.LeaderProblem = "Unresolved"
			case e.gone(leader):
				out.LeaderProblem = "LeaderArchived"
			default:
				out.LeaderProblem = "NotALeader"
			}
		}
		e.result.Teammates[name] = out
	}
}
