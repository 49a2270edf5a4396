package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// probeClient asks the operator how it is, never through a proxy.
var probeClient = &http.Client{Transport: &http.Transport{}}

// usage is the first exit code of the plugin that is not an answer (64 usage, 65 bad input, 69 unreachable).
const usage = 64

// subjects are the objects of the organization that the report speaks of: those with the most to show.
type subjects struct {
	teammate, permission, profile string
	target                        string // kind/name, as `route` takes it
	group                         string
}

// choose picks the teammate with the most profiles, a permission they have on one, the target with the most candidates, and
// the biggest group. Ties go to the first name, so two runs show the same.
func choose(all objects) subjects {
	var s subjects
	most := int64(-1)
	for _, access := range all["EffectiveAccess"] {
		profiles, _, _ := unstructured.NestedInt64(access.Object, "status", "counts", "profiles")
		if profiles <= most {
			continue
		}
		if permission, profile := grantOf(access); profile != "" {
			most = profiles
			s.teammate, s.permission, s.profile = access.GetName(), permission, profile
		}
	}
	most = -1
	for _, plan := range all["RoutePlan"] {
		candidates, _, _ := unstructured.NestedInt64(plan.Object, "status", "candidateCount")
		kind, _, _ := unstructured.NestedString(plan.Object, "status", "target", "kind")
		name, _, _ := unstructured.NestedString(plan.Object, "status", "target", "name")
		if candidates > most && name != "" {
			most = candidates
			s.target = strings.ToLower(kind) + "/" + name
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

// grantOf returns a permission and a profile of somebody's access. care.reply is preferred: readers know what it means.
func grantOf(access unstructured.Unstructured) (permission, profile string) {
	grants, _, _ := unstructured.NestedSlice(access.Object, "status", "grants")
	for _, entry := range grants {
		grant, _ := entry.(map[string]any)
		permissions, _, _ := unstructured.NestedStringSlice(grant, "permissions")
		profiles, _, _ := unstructured.NestedStringSlice(grant, "profiles")
		if len(permissions) == 0 || len(profiles) == 0 {
			continue
		}
		if slices.Contains(permissions, "care.reply") {
			return "care.reply", profiles[0]
		}
		if profile == "" {
			permission, profile = permissions[0], profiles[0]
		}
	}
	return permission, profile
}

// report prints what the operator made of the organization and what to try next.
func (c *cluster) report(ctx context.Context, all objects) error {
	s := choose(all)
	commands := [][]string{{}}
	if s.teammate != "" {
		commands = append(commands, []string{"who-can", s.permission, s.profile}, []string{"access", s.teammate})
	}
	if s.target != "" {
		commands = append(commands, []string{"route", s.target})
	}
	for _, arguments := range commands {
		fmt.Println("$ " + strings.Join(append([]string{"kubectl rollcall"}, arguments...), " "))
		if err := c.plugin(ctx, arguments...); err != nil {
			return err
		}
		fmt.Println()
	}

	fmt.Println("To try next, in another terminal:")
	fmt.Println()
	fmt.Printf("  export KUBECONFIG=%s\n", c.plane.kubeconfig("admin"))
	fmt.Printf("  export PATH=%s:%s:$PATH\n", c.bin, c.assets)
	fmt.Println()
	for _, command := range [][2]string{
		{"kubectl get rollcall", "every object, in namespace " + c.namespace},
		{"kubectl get effectiveaccess,routeplan", "what the operator computed"},
		{"kubectl rollcall why " + s.teammate + " " + s.permission + " " + s.profile, "every path that grants it"},
		{"kubectl rollcall who-can '*.publish'", "who may publish, profile by profile"},
		{"kubectl rollcall members " + s.group, "who is in a group, and why"},
		{"kubectl edit usergroup " + s.group, "remove somebody, then ask again"},
		{"kubectl rollcall route " + s.target + " --without " + s.teammate, "the route if somebody were not there"},
		{"kubectl get effectiveaccess --watch", "see changes arrive"},
	} {
		fmt.Printf("  %-60s  # %s\n", command[0], command[1])
	}
	return nil
}

// plugin runs kubectl-rollcall with its output on ours.
func (c *cluster) plugin(ctx context.Context, arguments ...string) error {
	command := exec.CommandContext(ctx, filepath.Join(c.bin, "kubectl-rollcall"), arguments...)
	command.Env = append(os.Environ(), "KUBECONFIG="+c.plane.kubeconfig("admin"))
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	err := runTied(command)
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	// 1 is an answer: no, nobody.
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() > 0 && exit.ExitCode() < usage {
		return nil
	}
	return fmt.Errorf("kubectl-rollcall %s: %w", strings.Join(arguments, " "), err)
}
