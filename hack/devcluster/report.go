package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/rollcall-dev/rollcall/test/servers/process"
)

// probeClient asks the operator how it is, never through a proxy.
var probeClient = &http.Client{Transport: &http.Transport{}}

// usage is the first exit code of the plugin that is not an answer (64 usage, 65 bad input, 69 unreachable).
const usage = 64

// preferred is the permission to speak of where somebody has it.
const preferred = "care.reply"

// subjects are the objects of the organization that the report speaks of: those with the most to show.
type subjects struct {
	teammate, permission, profile string
	target                        string // kind/name, as `route` takes it
	next                          string // who is offered the next item there; empty when nobody is
	group                         string
}

// rollCall is what `kubectl rollcall -o json` says of the targets.
type rollCall struct {
	Targets []struct {
		Target string `json:"target"` // Kind/name
		Open   bool   `json:"open"`
		Next   string `json:"next"`
	} `json:"targets"`
}

// next returns who is offered the next item, for the targets where somebody is; keys are Kind/name.
func (r rollCall) next() map[string]string {
	next := make(map[string]string)
	for _, t := range r.Targets {
		if t.Open && t.Next != "" {
			next[t.Target] = t.Next
		}
	}
	return next
}

// choose picks the teammate with the most profiles, a permission they have on one, the target with the most candidates (one
// where somebody is next, if there is any: at night most are closed), and the biggest group. Ties go to the first name, so
// two runs at one time show the same.
func choose(all objects, next map[string]string) subjects {
	var s subjects
	most := int64(0)
	for _, access := range all["EffectiveAccess"] {
		if permission, profile, profiles := grantOf(access); profiles > most {
			most = profiles
			s.teammate, s.permission, s.profile = access.GetName(), permission, profile
		}
	}
	most = -1
	for _, plan := range all["RoutePlan"] {
		candidates, _, _ := unstructured.NestedInt64(plan.Object, "status", "candidateCount")
		kind, _, _ := unstructured.NestedString(plan.Object, "status", "target", "kind")
		name, _, _ := unstructured.NestedString(plan.Object, "status", "target", "name")
		if name == "" {
			continue
		}
		first := next[kind+"/"+name]
		if better := first != "" && s.next == ""; better || (first != "") == (s.next != "") && candidates > most {
			most = candidates
			s.target, s.next = strings.ToLower(kind)+"/"+name, first
		}
	}
	most = -1
	for _, group := range all["UserGroup"] {
		members, _, _ := unstructured.NestedInt64(group.Object, "status", "memberCount")
		if members > most {
			most = members
			s.group = group.GetName()
		}
	}
	return s
}

// grantOf returns a permission and a profile of somebody's access, and on how many named profiles they may do anything.
// care.reply is preferred: readers know what it means.
func grantOf(access unstructured.Unstructured) (permission, profile string, count int64) {
	grants, _, _ := unstructured.NestedSlice(access.Object, "status", "grants")
	for _, entry := range grants {
		grant, _ := entry.(map[string]any)
		permissions, _, _ := unstructured.NestedStringSlice(grant, "permissions")
		profiles, _, _ := unstructured.NestedStringSlice(grant, "profiles")
		if len(permissions) == 0 || len(profiles) == 0 {
			continue
		}
		count += int64(len(profiles))
		switch {
		case slices.Contains(permissions, preferred) && permission != preferred:
			permission, profile = preferred, profiles[0]
		case profile == "":
			permission, profile = permissions[0], profiles[0]
		}
	}
	return permission, profile, count
}

// report prints what the operator made of the organization and what to try next.
func (c *cluster) report(ctx context.Context, all objects) error {
	answer, err := c.plugin(ctx, "-o", "json")
	if err != nil {
		return err
	}
	var now rollCall
	if err := json.Unmarshal([]byte(answer), &now); err != nil {
		return fmt.Errorf("reading the roll call: %w", err)
	}
	s := choose(all, now.next())
	commands := [][]string{{}}
	if s.teammate != "" {
		commands = append(commands, []string{"who-can", s.permission, s.profile}, []string{"access", s.teammate})
	} else if s.group != "" {
		commands = append(commands, []string{"members", s.group}) // an organization without profiles
	}
	if s.target != "" {
		commands = append(commands, []string{"route", s.target})
	}
	for _, arguments := range commands {
		fmt.Println("$ " + strings.Join(append([]string{"kubectl rollcall"}, arguments...), " "))
		answer, err := c.plugin(ctx, arguments...)
		if err != nil {
			return err
		}
		fmt.Println(answer)
	}
	if err := c.showSystems(ctx, s); err != nil {
		return err
	}

	fmt.Println("To try next, in another terminal:")
	fmt.Println()
	fmt.Printf("  export KUBECONFIG=%s\n", c.plane.kubeconfig("admin"))
	fmt.Printf("  export PATH=%s:%s:$PATH\n", c.bin, c.assets)
	fmt.Println()
	tries := [][2]string{
		{"kubectl get rollcall", "every object, in namespace " + c.namespace},
		{"kubectl get effectiveaccess,routeplan", "what the operator computed"},
	}
	if s.teammate != "" {
		_, verb, _ := strings.Cut(s.permission, ".")
		tries = append(tries, [2]string{"kubectl rollcall who-can '*." + verb + "'", "who may " + verb + " anything, profile by profile"})
		tries = append(tries, [2]string{"kubectl rollcall why " + s.teammate + " " + s.permission + " " + s.profile, "every path that grants it"})
	}
	if s.group != "" {
		tries = append(tries,
			[2]string{"kubectl rollcall members " + s.group, "who is in a group, and why"},
			[2]string{"kubectl edit usergroup " + s.group, "remove somebody, then ask again"})
	}
	if s.next != "" {
		tries = append(tries, [2]string{"kubectl rollcall route " + s.target + " --without " + s.next, "if the next in line were not there"})
	}
	tries = append(tries, [2]string{"kubectl get effectiveaccess --watch", "see changes arrive"})
	for _, x := range c.systems {
		tries = append(tries, x.tries...)
	}
	for _, try := range tries {
		fmt.Printf("  %-60s  # %s\n", try[0], try[1])
	}
	return nil
}

// plugin runs kubectl-rollcall and returns its answer.
func (c *cluster) plugin(ctx context.Context, arguments ...string) (string, error) {
	command := exec.CommandContext(ctx, filepath.Join(c.bin, "kubectl-rollcall"), arguments...)
	command.Env = append(os.Environ(), "KUBECONFIG="+c.plane.kubeconfig("admin"))
	var answer strings.Builder
	command.Stdout, command.Stderr = &answer, os.Stderr
	err := process.Run(command)
	if err == nil || ctx.Err() != nil {
		return answer.String(), ctx.Err()
	}
	// 1 is an answer: no, nobody.
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() > 0 && exit.ExitCode() < usage {
		return answer.String(), nil
	}
	return "", fmt.Errorf("kubectl-rollcall %s: %w", strings.Join(arguments, " "), err)
}
