package openfga

import (
	"github.com/rollcall-dev/rollcall/internal/downstream"
)

// Render implements downstream.Driver. The image has the tuples, one a line, without the side that the record itself is.
func (d *Driver) Render(r downstream.Record) (downstream.Rendered, error) {
	if r.Key == "" {
		return downstream.Rendered{}, downstream.NewError(downstream.BadRecord, "no key", nil)
	}
	var w wanted
	switch c := r.Content.(type) {
	case *downstream.Group:
		w = d.group(r, c, nil)
	case *conveyingGroup:
		w = d.group(r, c.Group, c.conveys)
	case *downstream.AccessGrants:
		w = d.access(c, c.Grants, nil)
	case *conveyedAccess:
		w = d.access(c.AccessGrants, c.rest, c.via)
	default:
		return downstream.Rendered{}, downstream.NewError(downstream.BadRecord, "not a group or access", nil)
	}
	out := downstream.Rendered{Image: w.image(), Name: encode(r.Key), Empty: r.Kind == downstream.Access}
	for _, entries := range w {
		out.Empty = out.Empty && len(entries) == 0
	}
	return out, nil
}

// attributeOf returns the attribute of a kind and name.
func attributeOf(kind downstream.Kind, name string) *attribute {
	for _, a := range attributes {
		if a.kind == kind && a.name == name {
			return a
		}
	}
	return nil
}

var (
	accountOf     = attributeOf(downstream.Access, "account")
	profilesOf    = attributeOf(downstream.Access, "profiles")
	groupsOf      = attributeOf(downstream.Access, "groups")
	markOf        = attributeOf(downstream.Groups, "organization")
	idleOf        = attributeOf(downstream.Groups, "idle")
	membersOf     = attributeOf(downstream.Groups, "members")
	supervisorsOf = attributeOf(downstream.Groups, "supervisors")
	conveyedOf    = attributeOf(downstream.Groups, "profiles")
)

// group has no member whose gate is closed. A group that confers nothing has neither members nor supervisors.
func (d *Driver) group(r downstream.Record, g *downstream.Group, conveys []downstream.Grant) wanted {
	mark := map[string]string{d.organization(): ""}
	w := wanted{markOf: mark, idleOf: nil, conveyedOf: nil}
	if !r.Active {
		w[markOf], w[idleOf] = nil, mark
	}
	if g.Members != nil {
		w[membersOf] = map[string]string{}
		for _, m := range g.Members {
			if m.Active && r.Active {
				w[membersOf][encode(m.Key)] = until(m.Until)
			}
		}
	}
	if g.Supervisors != nil {
		w[supervisorsOf] = map[string]string{}
		for _, key := range g.Supervisors {
			if r.Active {
				w[supervisorsOf][encode(key)] = ""
			}
		}
	}
	if r.Active {
		w[conveyedOf] = granted(conveys)
	}
	return w
}

// access of a person whose gate is closed is none.
func (d *Driver) access(c *downstream.AccessGrants, grants []downstream.Grant, via []string) wanted {
	w := wanted{accountOf: nil, profilesOf: nil, groupsOf: nil}
	if !c.Active {
		return w
	}
	if len(c.Permissions) > 0 {
		w[accountOf] = map[string]string{d.organization(): allows(c.Permissions)}
	}
	w[profilesOf] = granted(grants)
	w[groupsOf] = map[string]string{}
	for _, group := range via {
		w[groupsOf][encode(group)] = ""
	}
	return w
}

func granted(grants []downstream.Grant) map[string]string {
	out := map[string]string{}
	for i := range grants {
		if len(grants[i].Permissions) == 0 {
			continue
		}
		condition := allows(grants[i].Permissions)
		for _, profile := range grants[i].Profiles {
			out[encode(profile)] = condition
		}
	}
	return out
}

func (d *Driver) organization() string {
	if d.config.Organization == "" {
		return "default"
	}
	return encode(d.config.Organization)
}
